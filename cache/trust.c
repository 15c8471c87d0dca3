/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Can nobody else have written what is in the cache? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "cache/trust.h"

/* Whether only root and the user of dkms can change it. */
bool trust_is_own(const struct stat *st)
{
	mode_t others = geteuid() == 0 ? S_IWGRP | S_IWOTH : S_IWOTH;

	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & others);
}

/* Whether nobody else can replace what is in a directory above the cache, or the link that
 * leads to it. */
static bool is_safe_parent(const struct stat *st)
{
	struct stat own = *st;

	if (guard_is_of_root(st))
		own.st_uid = 0;
	/* In a directory such as /tmp, each user can replace only what is his own. */
	if (S_ISLNK(st->st_mode) || st->st_mode & S_ISVTX)
		own.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
	return trust_is_own(&own);
}

/* Checks the directories above the last component of an absolute path, and what is a link. */
static int check_parents(const char *path, struct error *err)
{
	for (const char *end = path; end;) {
		_cleanup_free_ char *part = NULL;
		struct stat st;
		const char *next = strchr(end + 1, '/');

		part = next ? xstrndup(path, (size_t)(next - path)) : xstrdup(path);
		if (lstat(part, &st) < 0)
			return error_errno(err, -errno, 1, "cannot use %s", path);
		if ((next || S_ISLNK(st.st_mode)) && !is_safe_parent(&st))
			return error_set(err, -EPERM, 1,
				"users other than root may change %s", part);
		end = next;
	}
	return 0;
}

int trust_check_top(const char *dir, struct error *err)
{
	_cleanup_free_ char *real = realpath(dir, NULL);
	int r;

	if (!real)
		return error_errno(err, -errno, 1, "cannot use %s", dir);
	r = *dir == '/' ? check_parents(dir, err) : 0;
	if (r == 0)
		r = check_parents(real, err);
	return r < 0 ? r : trust_check_dir(real, err);
}

int trust_check_dir(const char *dir, struct error *err)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return error_errno(err, -errno, 1, "cannot use %s", dir);
	if (!S_ISDIR(st.st_mode))
		return error_errno(err, -ENOTDIR, 1, "cannot use %s", dir);
	if (!trust_is_own(&st))
		return error_set(
			err, -EPERM, 1, "users other than root may write to %s", dir);
	return 0;
}

static int reject(struct damage *damage, const char *path, const char *what)
{
	if (damage && what)
		damage_add_other(damage, path, what);
	else if (damage)
		damage_add(damage, path);
	return -EBADMSG;
}

#define BY_OTHERS "could have been written by other users"

/* Checks the depth directories above the file, the innermost one last. */
static int check_dirs(const char *path, size_t depth, struct damage *damage)
{
	_cleanup_free_ char *dir = path_parent(path);
	struct stat st;
	int r = depth > 1 ? check_dirs(dir, depth - 1, damage) : 0;

	if (r < 0 || !depth)
		return r;
	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return reject(damage, dir, NULL);
	return trust_is_own(&st) ? 0 : reject(damage, dir, BY_OTHERS);
}

int trust_open(const char *path, size_t depth, struct damage *damage)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = check_dirs(path, depth, damage);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EIO))
		return reject(damage, path, NULL);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return reject(damage, path, NULL);
	if (!trust_is_own(&st))
		return reject(damage, path, BY_OTHERS);
	return take_fd(&fd);
}

int trust_read(const char *path, size_t depth, size_t max, struct damage *damage,
	struct str *ret)
{
	_cleanup_close_ int fd = trust_open(path, depth, damage);
	struct str text = {0};
	int r;

	if (fd < 0)
		return fd;
	r = file_read_fd(fd, max, &text);
	if (r < 0) {
		str_done(&text);
		return r == -EIO ? reject(damage, path, NULL) : r;
	}
	*ret = text;
	return 0;
}
