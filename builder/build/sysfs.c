/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do builds see of /sys? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/build/sysfs.h"

#define SYS "/sys/"
/* Files in /sys have at most one page. */
#define CONTENT_MAX (64 * 1024)

/* Patterns of glob(7). Those that end with a slash are for directories. The files are
 * described in Documentation/ABI/ of Linux: stable/sysfs-devices-system-cpu,
 * testing/sysfs-devices-system-cpu, testing/sysfs-class-dmi-id and others. */
static const char *const patterns[] = {
	SYS "devices/system/cpu/cpu[0-9]*/",
	SYS "devices/system/cpu/isolated",
	SYS "devices/system/cpu/kernel_max",
	SYS "devices/system/cpu/modalias",
	SYS "devices/system/cpu/offline",
	SYS "devices/system/cpu/online",
	SYS "devices/system/cpu/possible",
	SYS "devices/system/cpu/present",
	SYS "devices/system/cpu/smt/active",
	SYS "devices/system/cpu/smt/control",
	SYS "devices/system/node/online",
	SYS "devices/system/node/possible",
	SYS "devices/virtual/dmi/id/bios_date",
	SYS "devices/virtual/dmi/id/bios_release",
	SYS "devices/virtual/dmi/id/bios_vendor",
	SYS "devices/virtual/dmi/id/bios_version",
	SYS "devices/virtual/dmi/id/board_name",
	SYS "devices/virtual/dmi/id/board_vendor",
	SYS "devices/virtual/dmi/id/board_version",
	SYS "devices/virtual/dmi/id/chassis_type",
	SYS "devices/virtual/dmi/id/chassis_vendor",
	SYS "devices/virtual/dmi/id/chassis_version",
	SYS "devices/virtual/dmi/id/ec_firmware_release",
	SYS "devices/virtual/dmi/id/modalias",
	SYS "devices/virtual/dmi/id/product_family",
	SYS "devices/virtual/dmi/id/product_name",
	SYS "devices/virtual/dmi/id/product_sku",
	SYS "devices/virtual/dmi/id/product_version",
	SYS "devices/virtual/dmi/id/sys_vendor",
	SYS "firmware/devicetree/base/compatible",
	SYS "firmware/devicetree/base/model",
	SYS "firmware/efi/fw_platform_size",
	SYS "hypervisor/type",
};

/* The links that lead to these files, and their texts. */
static const char *const links[][2] = {
	{"class/dmi/id", "../../devices/virtual/dmi/id"},
};

static bool is_dir_pattern(const char *pattern)
{
	return has_suffix(pattern, "/");
}

bool sysfs_shows(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *link = xasprintf(SYS "%s", links[i][0]);
		_cleanup_free_ char *target = NULL;

		if (!path_is_below(path, link))
			continue;
		target = xasprintf(SYS "%s%s", links[i][1] + strlen("../../"),
			path + strlen(link));
		return sysfs_shows(target);
	}
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

/* Returns whether everybody may read the file, and its text. */
static bool read_file(const char *path, struct str *ret)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & S_IROTH &&
	       file_read(path, CONTENT_MAX, ret, NULL) == 0;
}

void sysfs_describe(struct str *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			_cleanup_(str_done) struct str text = {0};

			if (!is_dir_pattern(patterns[i]) &&
				!read_file(found.gl_pathv[j], &text))
				continue;
			str_addf(s, "%s ", found.gl_pathv[j]);
			listing_add_escaped(s, text.data ? text.data : "");
			str_add(s, "\n");
		}
		globfree(&found);
	}
}

/* Makes a directory that everybody may read, and those above it as far as below dir. */
static int make_dir(const char *dir, const char *path, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(path);

	for (char *end = copy + strlen(dir);; end += 1 + strcspn(end + 1, "/")) {
		char c = *end;

		*end = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return error_errno(err, -errno, 1, "cannot make %s", copy);
		if (chmod(copy, 0755) < 0)
			return error_errno(err, -errno, 1, "cannot change %s", copy);
		if (!c)
			return 0;
		*end = c;
	}
}

static int copy_file(const char *dir, const char *path, struct error *err)
{
	_cleanup_free_ char *copy = path_join(dir, path + strlen(SYS));
	_cleanup_free_ char *parent = path_parent(copy);
	_cleanup_(str_done) struct str text = {0};
	_cleanup_close_ int fd = -1;
	int r;

	if (!read_file(path, &text))
		return 0;
	r = make_dir(dir, parent, err);
	if (r < 0)
		return r;
	fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
	r = fd < 0 || fchmod(fd, 0444) < 0 ? -errno : write_all(fd, text.data, text.len);
	return r < 0 ? error_errno(err, r, 1, "cannot write %s", copy) : 0;
}

static int copy_pattern(const char *dir, const char *pattern, struct error *err)
{
	glob_t found;
	int r = 0;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
		_cleanup_free_ char *copy = path_join(dir, found.gl_pathv[i] + strlen(SYS));

		if (is_dir_pattern(pattern)) {
			copy[strlen(copy) - 1] = '\0';
			r = make_dir(dir, copy, err);
		} else {
			r = copy_file(dir, found.gl_pathv[i], err);
		}
	}
	globfree(&found);
	return r;
}

int sysfs_copy(const char *dir, struct error *err)
{
	int r = make_dir(dir, dir, err);

	for (size_t i = 0; i < ARRAY_SIZE(patterns) && r == 0; i++)
		r = copy_pattern(dir, patterns[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(links) && r == 0; i++) {
		_cleanup_free_ char *link = path_join(dir, links[i][0]);
		_cleanup_free_ char *parent = path_parent(link);
		_cleanup_free_ char *target =
			path_join(dir, links[i][1] + strlen("../../"));

		if (!path_is_dir(target))
			continue;
		r = make_dir(dir, parent, err);
		if (r == 0 && symlink(links[i][1], link) < 0 && errno != EEXIST)
			r = error_errno(err, -errno, 1, "cannot make %s", link);
	}
	return r;
}
