/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Staging directories, which their makers lock. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/staging.h"

int staging_make(const char *dir, const char *prefix, char **ret_path, int *ret_lock,
	struct error *err)
{
	/* Another process may remove the directory as a leftover before it is locked. */
	for (;;) {
		_cleanup_free_ char *path = xasprintf("%s/%sXXXXXX", dir, prefix);
		_cleanup_close_ int fd = -1;
		int r;

		if (!mkdtemp(path))
			return error_errno(
				err, -errno, 1, "cannot make a directory in %s", dir);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		r = fd < 0 ? -errno : file_lock(fd, LOCK_EX | LOCK_NB);
		if (r == -EAGAIN || (r == 0 && path_look(path) == 0))
			continue;
		if (r == 0 && !file_is_named(fd, AT_FDCWD, path))
			r = -EIO;
		if (r == 0 && fchmod(fd, 0711) < 0)
			r = -errno;
		if (r < 0) {
			rmdir(path);
			return error_errno(err, r, 1, "cannot use %s", path);
		}
		*ret_path = TAKE_PTR(path);
		*ret_lock = take_fd(&fd);
		return 0;
	}
}

/* Locks path if it was left behind. Returns the descriptor that holds the lock, or -1 if
 * path is in use, missing or another user's: in a directory such as /tmp, anybody can make one. */
static int lock_leftover(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
		file_lock(fd, LOCK_EX | LOCK_NB) < 0 || !file_is_named(fd, AT_FDCWD, path))
		return -1;
	return take_fd(&fd);
}

bool staging_is_leftover(const char *path)
{
	_cleanup_close_ int lock = lock_leftover(path);

	return lock >= 0;
}

void staging_remove_leftover(const char *path)
{
	_cleanup_close_ int lock = lock_leftover(path);

	if (lock >= 0)
		dir_remove(path, NULL);
}

void staging_remove_leftovers(const char *dir, const char *prefix)
{
	_cleanup_(strv_done) struct strv names = {0};

	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (has_prefix(names.items[i], prefix))
			staging_remove_leftover(path);
	}
}

void staging_remove_temporaries(const char *path)
{
	_cleanup_free_ char *dir = path_parent(path);
	_cleanup_free_ char *prefix = xasprintf(".%s.", path_base(path));
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *temporary = path_join(dir, names.items[i]);
		const char *end = names.items[i] + strlen(prefix);

		if (has_prefix(names.items[i], prefix) && strchr(end, '-') &&
			strspn(end, "0123456789-") == strlen(end))
			unlink(temporary);
	}
}
