/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For which kernels is a version built, whatever has become of its source? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/tree/built-kernels.h"

bool built_kernels_is_release(const char *s)
{
	return *s != '.' && !streq(s, "build") && !streq(s, "source") && !streq(s, "tarball");
}

/* Appends each ARCH of the directory RELEASE that has a directory module. */
static int list_archs(int version_fd, const char *release, struct kernel_names *ret)
{
	_cleanup_close_ int fd = dir_open_at(version_fd, release);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int r = fd < 0 ? fd : dirents_read(fd, &dirents);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
	for (size_t i = 0; i < dirents.n; i++) {
		_cleanup_free_ char *module = path_join(dirents.items[i].name, "module");

		if (is_dir_at(fd, module))
			kernel_names_push(ret, release, dirents.items[i].name);
	}
	return 0;
}

int built_kernels_list(int parent, const char *version_dir, struct kernel_names *ret)
{
	_cleanup_close_ int fd = dir_open_at(parent, version_dir);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int r = fd < 0 ? fd : dirents_read(fd, &dirents);

	if (r == -ENOENT)
		return 0;
	dirents_sort(&dirents);
	for (size_t i = 0; r == 0 && i < dirents.n; i++)
		if (dir_entry_may_be_dir(&dirents.items[i]) &&
			built_kernels_is_release(dirents.items[i].name))
			r = list_archs(fd, dirents.items[i].name, ret);
	return r;
}
