/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At which paths do builds see a kernel's headers?
 *
 * The paths of headers get into the debug information of an object, therefore into its
 * build-id, and into the command lines that kbuild records. If the paths are the same for
 * all kernels, an object compiled for one kernel can serve another. Debian's headers are
 * three directories:
 *
 *   /usr/src/linux-headers-RELEASE          its Makefile includes that of the next
 *                                           directory and, since Linux 6.13, also sets
 *                                           KBUILD_OUTPUT to this directory
 *   /usr/src/linux-headers-VERSION-common   shared by all flavours
 *   /usr/lib/linux-kbuild-VERSION           scripts and tools; the other two directories
 *                                           have links to it such as
 *                                           ../../lib/linux-kbuild-VERSION/scripts
 *
 * The sandbox mounts them at ROOT/src/linux-headers, ROOT/src/linux-headers-common and
 * ROOT/lib/linux-kbuild. In place of the three directories there are links to these
 * mounts; there are also links with the original names beside the mounts, because the
 * links between the directories lead there. Since Debian 13 VERSION is that of one ABI.
 * Headers with another layout are not mounted elsewhere. */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "builder/run/sandbox.h"
#include "builder/host/header-mounts.h"

#define ROOT "/usr/src/kernel"
#define LINK_PREFIX "../../lib/"
/* A Makefile that only includes another is a line or two and perhaps a comment (bytes).
 */
#define WRAPPER_MAX 1024

/* Tells whether the line sets KBUILD_OUTPUT to headers, which is a real path. */
static bool sets_output(const char *line, const char *headers)
{
	_cleanup_free_ char *real = NULL;

	if (!has_prefix(line, "KBUILD_OUTPUT=/"))
		return false;
	real = realpath(line + strlen("KBUILD_OUTPUT="), NULL);
	return real && streq(real, headers);
}

/* Returns the real path of the directory whose Makefile the Makefile of headers includes;
 * the caller frees. NULL if the Makefile does anything else, or if others than root can
 * change it: they must not decide what is mounted. */
static char *find_included_dir(const char *headers)
{
	_cleanup_free_ char *path = path_join(headers, "Makefile");
	_cleanup_free_ char *included = NULL;
	_cleanup_(str_done) struct str text = {0};
	struct read_guard guard;
	struct stat st;
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);
	char *line, *rest;

	if (fd < 0 || file_read_fd(fd, WRAPPER_MAX, &text) < 0)
		return NULL;
	guard_enter(&guard, &st);
	if (guard.active || strlen(text.data) != text.len)
		return NULL;
	rest = text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#' || sets_output(line, headers))
			continue;
		if (included || !has_prefix(line, "include /") ||
			!has_suffix(line, "/Makefile") ||
			strpbrk(line, "$\\# \t") != line + strlen("include"))
			return NULL;
		included = xstrndup(line + strlen("include "),
			strlen(line) - strlen("include ") - strlen("/Makefile"));
	}
	return included ? realpath(included, NULL) : NULL;
}

/* Tells whether others than root can change what is in the directory, or exchange it. */
static bool is_of_others(const char *dir)
{
	struct read_guard guard;
	_cleanup_close_ int fd = guard_open(dir, O_PATH | O_DIRECTORY, &guard);

	return fd < 0 || guard.active;
}

/* Tells whether all links at the top of dir lead into one directory ../../lib/NAME. Sets
 * *name to NAME if it is NULL; otherwise NAME must be *name. */
static bool links_lead_to_one(const char *dir, char **name)
{
	_cleanup_(strv_done) struct strv entries = {0};

	if (dir_list(dir, &entries) < 0)
		return false;
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_free_ char *path = path_join(dir, entries.items[i]);
		_cleanup_free_ char *target = NULL, *first = NULL;
		const char *rest;

		if (link_read(path, &target) < 0)
			continue;
		if (!has_prefix(target, LINK_PREFIX) ||
			path_has_dot_dot(target + strlen(LINK_PREFIX)))
			return false;
		rest = target + strlen(LINK_PREFIX);
		first = xstrndup(rest, strcspn(rest, "/"));
		if (!*name)
			*name = TAKE_PTR(first);
		else if (!streq(*name, first))
			return false;
	}
	return true;
}

/* Tells whether the parent directory of the mounts is no link. */
static bool is_root_real(void)
{
	static const char src[] = "/usr/src";
	_cleanup_free_ char *real = realpath(src, NULL);

	return real && streq(real, src);
}

void header_mounts_list(const struct kernel *k, struct strv *ret)
{
	_cleanup_free_ char *headers = realpath(k->headers, NULL);
	_cleanup_free_ char *common = headers ? find_included_dir(headers) : NULL;
	_cleanup_free_ char *name = NULL, *below = NULL, *kbuild = NULL;

	if (!common || streq(common, headers) || !sandbox_hides_path(headers) ||
		!sandbox_hides_path(common) || !is_root_real())
		return;
	if (!links_lead_to_one(headers, &name) || !links_lead_to_one(common, &name) ||
		!name)
		return;
	below = xasprintf("%s/" LINK_PREFIX "%s", headers, name);
	kbuild = realpath(below, NULL);
	if (!kbuild || !path_is_dir(kbuild) || !streq(path_base(kbuild), name) ||
		is_of_others(common) || is_of_others(kbuild))
		return;
	strv_push(ret, headers);
	strv_push(ret, ROOT "/src/linux-headers");
	strv_push(ret, common);
	strv_push(ret, ROOT "/src/linux-headers-common");
	strv_push(ret, kbuild);
	strv_push(ret, ROOT "/lib/linux-kbuild");
}

char *header_mounts_sandbox_path(const struct strv *mounts, const char *path)
{
	for (size_t i = 0; i + 1 < mounts->n; i += 2)
		if (path_is_in(path, mounts->items[i]))
			return xasprintf("%s%s", mounts->items[i + 1],
				path + strlen(mounts->items[i]));
	return NULL;
}

char *header_mounts_real_path(const struct strv *mounts, const char *sandbox_path)
{
	for (size_t i = 0; i + 1 < mounts->n; i += 2)
		if (path_is_in(sandbox_path, mounts->items[i + 1]))
			return xasprintf("%s%s", mounts->items[i],
				sandbox_path + strlen(mounts->items[i + 1]));
	return NULL;
}

bool header_mounts_family(const struct kernel *k, struct digest *ret)
{
	_cleanup_(strv_done) struct strv mounts = {0};
	_cleanup_free_ char *makefile = NULL;
	_cleanup_close_ int fd = -1;

	header_mounts_list(k, &mounts);
	if (!mounts.n)
		return false;
	/* The Makefile of the headers that all flavours share contains the version. */
	makefile = path_join(mounts.items[2], "Makefile");
	fd = file_open(makefile);
	return fd >= 0 && digest_fd(fd, UINT64_MAX, ret) == 0;
}
