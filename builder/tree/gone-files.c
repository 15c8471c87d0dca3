/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the files of an installed version gone from the kernel's directory? */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/host/module-name.h"
#include "builder/conf/quick-read.h"
#include "builder/tree/file-check.h"
#include "builder/tree/gone-files.h"
#include "builder/tree/installed-files.h"

/* Returns whether the kernel's directory has the file in the directory place, or that is
 * not known. */
static bool is_in(const struct settings *s, struct version_on_kernel on, const char *place,
	const char *file)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/%s/%s", s->trees.install, on.release,
		place + strspn(place, "/"), file);

	return path_look(path) != 0;
}

/* The same for the file under the name that it has after somebody has compressed or
 * decompressed it. */
static bool is_in_as_any(const struct settings *s, struct version_on_kernel on,
	const char *place, const char *file)
{
	const char *suffix = compression_suffix(compression_of_file(file));
	_cleanup_free_ char *plain = xstrndup(file, strlen(file) - strlen(suffix));

	for (enum compression c = COMPRESSION_NONE; c < N_COMPRESSIONS; c++) {
		_cleanup_free_ char *name = xasprintf("%s%s", plain, compression_suffix(c));

		if (is_in(s, on, place, name))
			return true;
	}
	return false;
}

/* Looks for the file where the record of the installed files has one of this name, and under
 * other names there. Returns 1 if it is there, 0 if it is not, and -1 if the record does not have
 * it. */
static int is_in_record(const struct settings *s, struct version_on_kernel on, const char *file)
{
	_cleanup_(installed_files_done) struct installed_files record = {0};
	int found = -1;

	if (installed_files_read(s->trees.dkms, on, &record, NULL) <= 0)
		return -1;
	for (size_t i = 0; i < record.n && found < 1; i++) {
		const char *path = record.items[i].path;
		_cleanup_free_ char *dir = path_parent(path);

		if (streq(path_base(path), file))
			found = is_in_as_any(s, on, dir, file);
	}
	return found;
}

/* Returns whether the file is in one of the directories that the dkms.conf names. place is that
 * of the distribution, or NULL. */
static bool is_in_conf_place(const struct settings *s, struct version_on_kernel on,
	const char *place, const char *file)
{
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, on.name, on.version);
	_cleanup_free_ char *path = path_join(dir, "source/dkms.conf");
	struct quick_conf conf;
	bool found = false;

	quick_conf_read(path, &conf);
	for (size_t i = 0; i < conf.destinations.n && !found; i++)
		found = place ? is_in(s, on, conf.destinations.items[i], file)
			      : is_in_as_any(s, on, conf.destinations.items[i], file);
	quick_conf_done(&conf);
	return found;
}

/* Looks closer at a file that is not in place, the distribution's directory or NULL: under
 * other names there, where the record says or, without a record, in the directories that the
 * dkms.conf names, and for an equal file anywhere. */
static bool is_gone(const struct settings *s, struct version_on_kernel on,
	const char *place, const char *file)
{
	struct tree_entry entry = {.name = (char *)on.name,
		.version = (char *)on.version,
		.release = (char *)on.release,
		.arch = (char *)on.arch,
		.state = STATE_INSTALLED};
	const struct tree_list list = {&entry, 1};
	_cleanup_free_ enum file_check *checks = NULL;
	int recorded;

	if (place && is_in_as_any(s, on, place, file))
		return false;
	recorded = is_in_record(s, on, file);
	if (recorded > 0 || (recorded < 0 && is_in_conf_place(s, on, place, file)))
		return false;
	checks = file_check_entries(s, &list);
	return checks[0] == FILE_CHECK_DIFFERS;
}

bool gone_files_exist(const struct settings *s, struct version_on_kernel on)
{
	const char *place = is_empty(s->addon_modules_dir) ? distro_module_dir(s->distro)
							   : s->addon_modules_dir;
	_cleanup_free_ char *kernel = path_join(s->trees.install, on.release);
	_cleanup_free_ char *dir = tree_module_dir(s->trees.dkms, on);
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, dir);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	bool gone = false;

	if (fd < 0 || dirents_read(fd, &dirents) < 0)
		return false;
	for (size_t i = 0; i < dirents.n && !gone; i++) {
		const char *file = dirents.items[i].name;
		_cleanup_free_ char *name = module_name_of_file(file);

		if (name && !(place && is_in(s, on, place, file)))
			gone = is_gone(s, on, place, file);
	}
	return gone && path_is_dir(kernel);
}
