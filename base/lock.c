/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks between processes, on files that other users cannot open. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"

#define LOCK_DIR ".locks"
/* A longer name of a lock file is replaced by its end and a number (bytes). */
#define NAME_LENGTH_MAX 200
#define NAME_END 150

/* Opens TREE/.locks, and makes it if it is missing. Returns a descriptor or a negative
 * errno. */
static int open_dir(const char *tree, const char *path, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	do {
		if (mkdir(path, 0700) < 0 && errno == ENOENT) {
			r = dir_make(tree, err);
			if (r < 0)
				return r;
			mkdir(path, 0700);
		}
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} while (fd < 0 && errno == ENOENT && path_is_dir(tree));
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, -errno, 1, "cannot use the directory %s", path);
	if (st.st_uid != geteuid()) {
		error_set(err, -EPERM, 1, "%s belongs to another user", path);
		error_remedy(err, "remove it");
		return -EPERM;
	}
	if ((st.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0)
		return error_errno(err, -errno, 1, "cannot change the mode of %s", path);
	return take_fd(&fd);
}

/* Returns path with links resolved, as far as it exists. The caller frees it. */
static char *real_path(const char *path)
{
	_cleanup_free_ char *absolute = path_absolute(path), *parent = NULL, *real = NULL;

	real = realpath(absolute, NULL);
	if (real || streq(absolute, "/"))
		return real ? TAKE_PTR(real) : TAKE_PTR(absolute);
	parent = path_parent(absolute);
	real = real_path(parent);
	return path_join(real, path_base(absolute));
}

/* Returns the name of the lock file of what: its path, in which each "/" is "%2F". The
 * caller frees it. */
static char *lock_name(const char *what)
{
	_cleanup_free_ char *real = real_path(what), *name = NULL;
	struct str s = {0};

	for (const char *c = real; *c; c++)
		if (*c == '/' || *c == '%')
			str_addf(&s, "%%%02X", (unsigned int)*c);
		else
			str_add_bytes(&s, c, 1);
	name = str_take(&s);
	if (strlen(name) <= NAME_LENGTH_MAX)
		return TAKE_PTR(name);
	return xasprintf(
		"%016" PRIx64 "-%s", text_hash(name, strlen(name)),
		name + strlen(name) - NAME_END);
}

/* Opens and locks a file in dir. Returns its descriptor or a negative errno. */
static int lock_file(int dir, const char *name)
{
	for (;;) {
		_cleanup_close_ int fd = openat(dir, name,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
		int r = fd < 0 ? -errno : file_lock(fd, LOCK_EX | LOCK_NB);

		/* A file system without locks cannot be locked by others, either. */
		if (r < 0 && (fd < 0 || (r != -EOPNOTSUPP && r != -ENOSYS)))
			return r;
		/* The process that held the lock has removed its file. */
		if (file_is_named(fd, dir, name))
			return take_fd(&fd);
	}
}

int lock_try(const char *tree, const char *what, struct lock *ret, struct error *err)
{
	_cleanup_free_ char *dir_path = path_join(tree, LOCK_DIR);
	_cleanup_free_ char *name = lock_name(what);
	char pid[32];
	int n, fd;

	/* The process that has released the last lock may remove the directory after it
	 * was opened here. */
	do {
		_cleanup_close_ int dir = open_dir(tree, dir_path, err);

		if (dir < 0)
			return dir;
		fd = lock_file(dir, name);
	} while (fd == -ENOENT);
	if (fd == -EAGAIN)
		return fd;
	if (fd < 0)
		return error_errno(err, fd, 1, "cannot lock %s with a file in %s", what,
			dir_path);
	/* The number is for messages only, so an error is ignored. */
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		write_all(fd, pid, (size_t)n);
	*ret = (struct lock){.path = path_join(dir_path, name), .fd = fd};
	return 0;
}

pid_t lock_holder(const char *tree, const char *what)
{
	_cleanup_free_ char *name = lock_name(what);
	_cleanup_free_ char *path = xasprintf("%s/" LOCK_DIR "/%s", tree, name);
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, 32, &text, NULL) < 0 || !text.len)
		return 0;
	return (pid_t)strtol(text.data, NULL, 10);
}

void lock_release(struct lock *l)
{
	_cleanup_free_ char *dir = NULL;

	if (!l->path)
		return;
	dir = path_parent(l->path);
	unlink(l->path);
	rmdir(dir); /* fails while it has other locks */
	close(l->fd);
	free(l->path);
	*l = (struct lock){0};
}

bool lock_has_leftovers(const char *tree)
{
	_cleanup_free_ char *path = path_join(tree, LOCK_DIR);
	_cleanup_(strv_done) struct strv names = {0};
	bool found = false;

	dir_list(path, &names);
	for (size_t i = 0; i < names.n && !found; i++) {
		_cleanup_free_ char *file = path_join(path, names.items[i]);
		_cleanup_close_ int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

		found = fd >= 0 && file_lock(fd, LOCK_EX | LOCK_NB) == 0;
	}
	return found;
}

void lock_remove_leftovers(const char *tree)
{
	_cleanup_free_ char *path = path_join(tree, LOCK_DIR);
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(strv_done) struct strv names = {0};

	if (dir < 0 || dir_list(path, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_close_ int fd = lock_file(dir, names.items[i]);

		if (fd >= 0)
			unlinkat(dir, names.items[i], 0);
	}
	rmdir(path);
}

int lock_file_within(const char *path, bool shared, unsigned int seconds)
{
	static const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* Earlier versions of dkms have made files that everybody could read. */
	if (st.st_mode & 077 && fchmod(fd, 0600) < 0)
		return -errno;
	for (unsigned int i = 0; i <= seconds * 100; i++) {
		r = file_lock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
		if (r != -EAGAIN)
			return r < 0 ? r : take_fd(&fd);
		nanosleep(&pause, NULL);
	}
	return -EAGAIN;
}
