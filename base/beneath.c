/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens files in directories that other users may have filled. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/beneath.h"
#include "base/dirents.h"
#include "base/file.h"

/* How often a name is looked up again that could not be, because something was renamed
 * meanwhile. */
#define TRIES 8

#ifndef SYS_openat2
#define SYS_openat2 437 /* on all architectures */
#endif

struct fd_path fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.path, sizeof(p.path), "/proc/self/fd/%d", fd);
	return p;
}

/* Opens name, component by component, without following any link. */
static int open_steps(int dir, const char *name, int flags)
{
	_cleanup_close_ int at = fcntl(dir, F_DUPFD_CLOEXEC, 0);

	while (at >= 0) {
		char step[NAME_MAX + 1];
		size_t n;
		int next;

		name += strspn(name, "/");
		n = strcspn(name, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(step, name, n);
		step[n] = '\0';
		if (streq(step, ".."))
			return -EXDEV;
		name += n;
		if (!name[strspn(name, "/")]) {
			next = openat(at, n ? step : ".", flags);
			return next < 0 ? -errno : next;
		}
		next = openat(at, step, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return errno == ENOTDIR ? -ELOOP : -errno;
		close(at);
		at = next;
	}
	return -errno;
}

/* Opens name below the directory that dir is open on. */
static int open_below(int dir, const char *name, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve};
	long fd = -1;

	errno = EAGAIN;
	for (int i = 0; i < TRIES && fd < 0 && errno == EAGAIN; i++)
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_steps(dir, name, flags | O_NOFOLLOW);
	return fd < 0 ? -errno : (int)fd;
}

static int refuse_open(int r, const char *dir, const char *name, struct error *err)
{
	if (r == -EXDEV)
		return error_set(err, r, 1, "%s/%s leads out of %s", dir, name, dir);
	if (r == -ELOOP)
		return error_set(err, r, 1, "%s/%s is behind a link or is one", dir, name);
	if (r == -ENXIO)
		return error_set(
			err, -EINVAL, 1, "%s/%s is not a regular file", dir, name);
	return error_errno(err, r, 1, "cannot open %s/%s", dir, name);
}

/* Looks at the opened file. top is open on dir. */
static int check_file(int fd, int top, const char *dir, const char *name, uint64_t max,
	struct stat *ret, struct error *err)
{
	struct stat owner;

	if (fstat(fd, ret) < 0 || fstat(top, &owner) < 0)
		return error_errno(err, -errno, 1, "cannot read %s/%s", dir, name);
	if (!S_ISREG(ret->st_mode))
		return error_set(
			err, -EINVAL, 1, "%s/%s is not a regular file", dir, name);
	if (ret->st_uid != owner.st_uid)
		return error_set(err, -EPERM, 1,
			"%s/%s belongs to the user %u, and not to %u, as %s does", dir,
			name, (unsigned int)ret->st_uid, (unsigned int)owner.st_uid, dir);
	if ((uint64_t)ret->st_size > max)
		return error_set(err, -EFBIG, 1,
			"%s/%s has %" PRIu64 " bytes, and at most %" PRIu64
			" are expected",
			dir, name, (uint64_t)ret->st_size, max);
	return 0;
}

static int open_file(const char *dir, const char *name, uint64_t max, struct stat *ret,
	bool in_steps, struct error *err)
{
	/* A leading slash does not lead to the root directory. */
	const char *below = name + strspn(name, "/");
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	_cleanup_close_ int top = dir_open_at(AT_FDCWD, dir);
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (top < 0)
		return error_errno(err, top, 1, "cannot open %s", dir);
	fd = in_steps ? open_steps(top, below, flags) : open_below(top, below, flags, 0);
	if (fd < 0)
		return refuse_open(fd, dir, name, err);
	r = check_file(fd, top, dir, name, max, &st, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = st;
	return take_fd(&fd);
}

int beneath_open(const char *dir, const char *name, uint64_t max, struct stat *ret,
	struct error *err)
{
	return open_file(dir, name, max, ret, false, err);
}

int beneath_open_without_openat2(
	const char *dir, const char *name, uint64_t max, struct stat *ret, struct error *err)
{
	return open_file(dir, name, max, ret, true, err);
}

int beneath_open_parent(const char *dir, const char *name)
{
	_cleanup_close_ int top = dir_open_at(AT_FDCWD, dir);
	_cleanup_free_ char *parent = path_parent(name);

	return top < 0 ? top
		       : open_below(top, *parent ? parent : ".",
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				 RESOLVE_NO_SYMLINKS);
}

/* Opens the directory name below the one that top is open on. Links are followed. */
static int open_dir(int top, const char *name)
{
	return open_below(top, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

/* Makes the directory name below the one that top is open on. */
static int make_dir(int top, const char *name, uid_t uid)
{
	_cleanup_free_ char *parent = path_parent(name);
	_cleanup_close_ int parent_fd = open_dir(top, parent);
	_cleanup_close_ int fd = -1;

	if (parent_fd < 0)
		return parent_fd;
	if (mkdirat(parent_fd, path_base(name), 0755) < 0)
		return -errno;
	fd = openat(parent_fd, path_base(name),
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (uid != (uid_t)-1 && fchown(fd, uid, uid) < 0))
		return -errno;
	return take_fd(&fd);
}

int beneath_make_dir(const char *dir, const char *name, uid_t uid, struct error *err)
{
	_cleanup_close_ int top = dir_open_at(AT_FDCWD, dir);
	int fd;

	if (top < 0)
		return error_errno(err, top, 1, "cannot open %s", dir);
	fd = open_dir(top, name);
	if (fd == -ENOENT)
		fd = make_dir(top, name, uid);
	/* A link to what is missing. */
	if (fd == -EEXIST)
		return error_set(
			err, fd, 1, "%s/%s is a link to a missing file", dir, name);
	return fd < 0 ? refuse_open(fd, dir, name, err) : fd;
}

int beneath_put_file(const char *from, int dir_fd, const char *name, uid_t uid)
{
	_cleanup_free_ char *temporary = xasprintf(".%s.dkms-new", name);
	_cleanup_free_ char *real = realpath(from, NULL);
	mode_t mode;
	_cleanup_close_ int fd = real ? file_open_at(AT_FDCWD, real, &mode) : -errno;
	int r = fd;

	if (r < 0)
		return r;
	unlinkat(dir_fd, temporary, 0);
	r = file_copy_at(fd, dir_fd, temporary, uid, uid, mode, false);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, temporary, 0);
	return r;
}

int beneath_read(const char *dir, const char *name, uint64_t max, struct str *ret,
	struct error *err)
{
	_cleanup_close_ int fd = beneath_open(dir, name, max, NULL, err);
	int r = fd < 0 ? fd : file_read_fd(fd, max, ret);

	return r < 0 ? error_errno(err, r, 1, "cannot read %s/%s", dir, name) : 0;
}

int beneath_copy(const char *dir, const char *name, uint64_t max, const char *to,
	mode_t mode, struct error *err)
{
	_cleanup_free_ char *from = path_join(dir, name);
	_cleanup_close_ int fd = beneath_open(dir, name, max, NULL, err);

	return fd < 0 ? fd : file_copy_fd(fd, from, to, mode, err);
}
