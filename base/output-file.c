/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens what the user of dkms wants to be written. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/output-file.h"

#define LINKS_MAX 40 /* as in the kernel */

/* Whether the user of dkms, or root, has made it. */
static bool is_own(const struct stat *st)
{
	return st->st_uid == geteuid() || guard_is_of_root(st);
}

/* Opens the directory dir. Refuses it if a link of somebody else leads there who could not
 * write to it. */
static int open_parent(const char *dir, const char *path, struct error *err)
{
	struct read_guard guard;
	_cleanup_close_ int fd =
		guard_open(*dir ? dir : ".", O_PATH | O_DIRECTORY, &guard);
	struct stat st;

	if (fd < 0 && fd != -EPERM)
		return error_errno(err, fd, 9, "cannot write %s", path);
	if (fd >= 0 && fstat(fd, &st) < 0)
		return error_errno(err, -errno, 9, "cannot write %s", path);
	if (fd >= 0 && (!guard.by_link || guard_is_of_owner(&guard, &st) || st.st_mode & S_IWOTH))
		return take_fd(&fd);
	error_set(err, -EPERM, 9,
		"cannot write %s: another user leads it to a directory that is not his",
		path);
	error_remedy(err, "name the directory itself, not a link of another user");
	return -EPERM;
}

/* Reads the link name in the directory dir_fd, which is at dir, if it is there and is the
 * caller's own. Returns the path that it leads to; the caller frees. NULL if there is no such
 * link. */
static char *read_own_link(int dir_fd, const char *dir, const char *name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISLNK(st.st_mode) || !is_own(&st))
		return NULL;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	return *target == '/' ? xstrdup(target) : path_join(*dir ? dir : ".", target);
}

int output_open_dir(const char *path, char **ret_name, struct error *err)
{
	_cleanup_free_ char *now = xstrdup(path);

	for (int links = 0; links < LINKS_MAX; links++) {
		_cleanup_free_ char *dir = path_parent(now);
		_cleanup_close_ int fd = open_parent(dir, path, err);
		const char *name = path_base(now);
		char *next;

		if (fd < 0)
			return fd;
		next = read_own_link(fd, dir, name);
		if (!next) {
			*ret_name = xstrdup(name);
			return take_fd(&fd);
		}
		free(now);
		now = next;
	}
	return error_errno(err, -ELOOP, 9, "cannot write %s", path);
}

char *output_target(int dir_fd, const char *name, const char *path)
{
	const struct fd_path dir = fd_path(dir_fd);

	return path_exists(dir.path) ? path_join(dir.path, name) : xstrdup(path);
}

/* Opens the file name in the directory dir_fd, which may be missing. */
static int open_in(int dir_fd, const char *name)
{
	const int flags = O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int fd = openat(dir_fd, name, flags | O_CREAT | O_EXCL, 0666);
	struct stat st, dir;

	if (fd >= 0 || errno != EEXIST)
		return fd < 0 ? -errno : take_fd(&fd);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || fstat(dir_fd, &dir) < 0)
		return -errno;
	/* Only what is opened counts, but opening a device can do something. */
	if (S_ISLNK(st.st_mode))
		return -EPERM;
	fd = openat(dir_fd, name, flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (geteuid() == 0 && !is_own(&st) && st.st_uid != dir.st_uid &&
		dir.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	/* Another name of one of root's files. */
	if (geteuid() == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1 &&
		guard_is_of_others(&dir))
		return -EPERM;
	if (S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Whether path names a file that dkms has open. The kernel makes these links, and opens
 * what they stand for whatever it is, such as a pipe. */
static bool is_open_file(const char *path)
{
	static const char *const dirs[] = {"/dev/fd/", "/proc/self/fd/"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		const char *number = path + strlen(dirs[i]);

		if (has_prefix(path, dirs[i]))
			return *number && !number[strspn(number, "0123456789")];
	}
	return streq(path, "/dev/stdout") || streq(path, "/dev/stderr");
}

FILE *output_open(const char *path, struct error *err)
{
	_cleanup_(error_done) struct error why = {0};
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int dir_fd = -1;
	FILE *out = NULL;
	int fd;

	if (is_open_file(path)) {
		out = fopen(path, "we");
		if (!out)
			error_errno(err, -errno, 1, "cannot write %s", path);
		return out;
	}
	dir_fd = output_open_dir(path, &name, &why);
	if (dir_fd < 0) {
		why.status = 1;
		error_move(err, &why);
		return NULL;
	}
	fd = open_in(dir_fd, name);
	if (fd == -EPERM)
		error_set(err, fd, 1, "cannot write %s: another user has put something there",
			path);
	else if (fd < 0)
		error_errno(err, fd, 1, "cannot write %s", path);
	if (fd >= 0)
		out = fdopen(fd, "w");
	return out;
}
