/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths, files and directories. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/walk.h"

char *path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m = strlen(name);
	char *path;

	if (has_suffix(dir, "/"))
		n--;
	path = xrealloc_array(NULL, n + 1 + m + 1, 1);
	memcpy(path, dir, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return path;
}

char *path_absolute(const char *path)
{
	_cleanup_free_ char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
	struct str s = {0};

	if (*path != '/')
		str_add(&s, cwd ? cwd : "/");
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && *path == '.')) {
			if (!s.len || s.data[s.len - 1] != '/')
				str_add(&s, "/");
			str_add_bytes(&s, path, len);
		}
		path += len;
		path += *path == '/';
	}
	if (!s.len)
		str_add(&s, "/");
	return str_take(&s);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup("");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

char *path_beside(const char *path, const char *name)
{
	return xasprintf("%.*s%s", (int)(path_base(path) - path), path, name);
}

char *path_without_dots(const char *path)
{
	struct str s = {0};

	str_add(&s, "");
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && has_prefix(path, "..")) {
			char *slash = strrchr(s.data, '/');

			if (!slash) {
				str_done(&s);
				return NULL;
			}
			*slash = '\0';
			s.len = (size_t)(slash - s.data);
		} else if (len > 1 || (len == 1 && *path != '.')) {
			str_add(&s, "/");
			str_add_bytes(&s, path, len);
		}
		path += len;
	}
	return str_take(&s);
}

bool path_has_dot_dot(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

bool path_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool path_is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

bool path_is_in(const char *path, const char *dir)
{
	return streq(path, dir) || path_is_below(path, dir);
}

bool path_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int path_look(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

bool file_is_named(int fd, int dir, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       stat_is_same(&a, &b);
}

int path_look_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (access(path, X_OK) == 0)
		return 1;
	return errno == EACCES ? 0 : -errno;
}

bool path_is_program(const char *path)
{
	return path_look_program(path) > 0;
}

bool stat_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool path_is_same(const char *a, const char *b)
{
	struct stat st_a, st_b;

	return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && stat_is_same(&st_a, &st_b);
}

char *path_find_program(const char *name, const char *search)
{
	if (strchr(name, '/'))
		return path_is_program(name) ? xstrdup(name) : NULL;
	while (search && *name) {
		size_t len = strcspn(search, ":");
		/* An empty element of PATH is the current directory. */
		char *path = xasprintf(
			"%.*s/%s", len ? (int)len : 1, len ? search : ".", name);

		if (path_is_program(path))
			return path;
		free(path);
		search = search[len] ? search + len + 1 : NULL;
	}
	return NULL;
}

/* Returns a name beside path that no process or thread uses. The caller frees it. */
static char *temporary_name(const char *path)
{
	static atomic_uint counter;
	const char *base = path_base(path);

	return xasprintf("%.*s.%s.%ld-%u", (int)(base - path), path, base, (long)getpid(),
		atomic_fetch_add(&counter, 1));
}

int file_read_fd(int fd, size_t max, struct str *ret)
{
	char buffer[65536];

	for (;;) {
		ssize_t n = read(fd, buffer, sizeof(buffer));

		if (n == 0)
			break;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (ret->len + (size_t)n > max)
			return -EFBIG;
		str_add_bytes(ret, buffer, (size_t)n);
	}
	str_add_bytes(ret, "", 0);
	return 0;
}

int file_open(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* Some devices do something when they are opened. */
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		/* Another file may have taken its place: a FIFO, whose open(2) waits. */
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (S_ISREG(st.st_mode) && (fd < 0 || fstat(fd, &st) < 0))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return take_fd(&fd);
}

int file_open_error(const char *path, int r, struct error *err)
{
	return r == -EINVAL ? error_set(err, r, 1, "%s is not a regular file", path)
			    : error_errno(err, r, 1, "cannot open %s", path);
}

/* Reads at most max bytes from offset on. A negative offset counts from the end. */
static int read_from(const char *path, off_t offset, size_t max, struct str *ret,
	struct error *err)
{
	_cleanup_close_ int fd = file_open(path);
	struct str s = {0};
	int r;

	if (fd < 0)
		return file_open_error(path, fd, err);
	/* This fails for a smaller file, which is read from its beginning. */
	if (offset < 0)
		(void)lseek(fd, offset, SEEK_END);
	r = file_read_fd(fd, max, &s);
	if (r < 0) {
		str_done(&s);
		return error_errno(err, r, 1, "cannot read %s", path);
	}
	*ret = s;
	return 0;
}

int file_read(const char *path, size_t max, struct str *ret, struct error *err)
{
	return read_from(path, 0, max, ret, err);
}

int file_read_optional(const char *path, size_t max, struct str *ret, struct error *err)
{
	_cleanup_(error_done) struct error why = {0};
	int r = file_read(path, max, ret, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		error_move(err, &why);
	return r;
}

int file_read_tail(const char *path, size_t max, struct str *ret, struct error *err)
{
	return read_from(path, -(off_t)max, max, ret, err);
}

int file_lock(int fd, int operation)
{
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

int write_all(int fd, const void *bytes, size_t n)
{
	const char *rest = bytes;

	while (n) {
		ssize_t written = write(fd, rest, n);

		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		rest += written;
		n -= (size_t)written;
	}
	return 0;
}

/* Syncs the bytes before the rename, so that a crash of the machine leaves the old file
 * or the new one. */
static int publish_fd(int fd, const char *temporary, const char *path)
{
	if (fsync(fd) < 0 || rename(temporary, path) < 0)
		return -errno;
	return 0;
}

int file_write(
	const char *path, const void *bytes, size_t n, mode_t mode, struct error *err)
{
	_cleanup_free_ char *temporary = temporary_name(path);
	_cleanup_close_ int fd =
		open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return error_errno(err, -errno, 1, "cannot create %s", path);
	r = write_all(fd, bytes, n);
	if (r == 0)
		r = publish_fd(fd, temporary, path);
	if (r < 0) {
		unlink(temporary);
		return error_errno(err, r, 1, "cannot write %s", path);
	}
	return 0;
}

int link_read(const char *path, char **ret)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(target))
		return -ENAMETOOLONG;
	*ret = xstrndup(target, (size_t)n);
	return 0;
}

int link_write(const char *path, const char *target, struct error *err)
{
	_cleanup_free_ char *temporary = temporary_name(path);
	int r = 0;

	if (symlink(target, temporary) < 0) {
		r = -errno;
	} else if (rename(temporary, path) < 0) {
		r = -errno;
		unlink(temporary);
	}
	if (r < 0)
		return error_errno(err, r, 1, "cannot make the link %s", path);
	return 0;
}

/* What a file that says it is empty may have at most (bytes). */
#define UNSIZED_MAX (16 * 1024 * 1024)

/* Returns whether a file of that many bytes cannot be copied to fd. Small ones may try. */
static bool is_too_large(off_t size, int fd)
{
	struct statvfs fs;

	return size > 16 * 1024 * 1024 && fstatvfs(fd, &fs) == 0 &&
	       (uint64_t)size > (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Copies as many bytes as the file had when its copy began. Somebody else may be making it
 * longer, without end. */
static int copy_bytes(int from, int to)
{
	struct stat st, copy;
	char buffer[65536];
	off_t left;

	if (fstat(from, &st) < 0)
		return -errno;
	if (ioctl(to, FICLONE, from) == 0)
		return fstat(to, &copy) < 0 ||
				       (copy.st_size > st.st_size &&
					       ftruncate(to, st.st_size) < 0)
			       ? -errno
			       : 0;
	/* A file with holes is larger than the space that it takes. */
	if (is_too_large(st.st_size, to))
		return -ENOSPC;
	for (left = st.st_size; left > 0;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)left, 0);

		if (n <= 0)
			break;
		left -= n;
	}
	/* copy_file_range(2) does not work everywhere, for example not in /proc, whose files
	 * say that they are empty. */
	if (st.st_size == 0)
		left = UNSIZED_MAX;
	while (left > 0) {
		size_t want = left < (off_t)sizeof(buffer) ? (size_t)left : sizeof(buffer);
		ssize_t n = read(from, buffer, want);
		int r;

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = write_all(to, buffer, (size_t)n);
		if (r < 0)
			return r;
		left -= n;
	}
	return st.st_size ? 0 : -EFBIG;
}

int file_copy_at(
	int from, int dir, const char *name, uid_t uid, gid_t gid, mode_t mode, bool sync)
{
	_cleanup_close_ int to =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;
	int r;

	if (to < 0 || fstat(from, &st) < 0)
		return -errno;
	r = copy_bytes(from, to);
	if (r < 0)
		return r;
	if (uid != (uid_t)-1 && fchown(to, uid, gid) < 0)
		return -errno;
	if (fchmod(to, mode) < 0)
		return -errno;
	if (futimens(to, (struct timespec[2]){st.st_atim, st.st_mtim}) < 0)
		return -errno;
	if (sync && fsync(to) < 0)
		return -errno;
	return 0;
}

int file_open_at(int dir, const char *name, mode_t *ret_mode)
{
	/* Without O_NONBLOCK, this would wait for the other end of a FIFO. */
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	*ret_mode = st.st_mode & FILE_COPIED_MODE;
	return take_fd(&fd);
}

int file_copy_fd(
	int fd, const char *from, const char *to, mode_t mode, struct error *err)
{
	_cleanup_free_ char *temporary = temporary_name(to);
	int r = file_copy_at(fd, AT_FDCWD, temporary, (uid_t)-1, (gid_t)-1, mode, true);

	if (r == 0 && rename(temporary, to) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return error_errno(err, r, 1, "cannot copy %s to %s", from, to);
	}
	return 0;
}

int file_copy(const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *real = realpath(from, NULL);
	mode_t mode;
	_cleanup_close_ int fd = real ? file_open_at(AT_FDCWD, real, &mode) : -errno;

	return fd < 0 ? error_errno(err, fd, 1, "cannot copy %s to %s", from, to)
		      : file_copy_fd(fd, from, to, mode, err);
}

int file_same_bytes_fd(int a, int b, off_t size)
{
	char bytes_a[65536], bytes_b[65536];

	for (off_t at = 0; at < size;) {
		ssize_t n = pread(a, bytes_a, sizeof(bytes_a), at);
		ssize_t m = n > 0 ? pread(b, bytes_b, (size_t)n, at) : 0;

		if (n < 0 || m < 0)
			return -errno;
		if (n == 0 || n != m || memcmp(bytes_a, bytes_b, (size_t)n) != 0)
			return 0;
		at += n;
	}
	return 1;
}

int file_same_bytes(const char *a, const char *b)
{
	_cleanup_close_ int fa = file_open(a);
	_cleanup_close_ int fb = file_open(b);
	struct stat sa, sb;

	if (fa < 0 || fb < 0)
		return fa < 0 ? fa : fb;
	if (fstat(fa, &sa) < 0 || fstat(fb, &sb) < 0)
		return -errno;
	return sa.st_size == sb.st_size ? file_same_bytes_fd(fa, fb, sa.st_size) : 0;
}

int dir_list(const char *path, struct strv *ret)
{
	_cleanup_(dirents_done) struct dirents names = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : dirents_read_all(fd, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names.n; i++)
		strv_push(ret, names.items[i].name);
	strv_sort(ret);
	return 0;
}

int dir_sync(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int dir_sync_all(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? -errno : 0;
}

int dir_make(const char *path, struct error *err)
{
	_cleanup_free_ char *partial = xstrdup(path);

	for (char *slash = partial + 1;; slash++) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(partial, 0755) < 0 && errno != EEXIST) {
			int r = -errno;

			/* A parent that exists may be on a read-only file system. */
			if (!path_is_dir(partial))
				return error_errno(err, r, 1,
					"cannot make the directory %s", partial);
		}
		if (!slash)
			break;
		*slash = '/';
	}
	if (!path_is_dir(path))
		return error_errno(
			err, -ENOTDIR, 1, "cannot make the directory %s", path);
	return 0;
}

/* Lets its owner, who removes it, search and change the directory name in parent. */
static int make_accessible(int parent, const char *name)
{
	return fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int remove_entry(const struct walk_entry *e)
{
	int flags = e->leaving ? AT_REMOVEDIR : 0;

	if (unlinkat(e->parent, e->name, flags) == 0)
		return 0;
	if (errno != EACCES || fchmod(e->parent, 0700) < 0)
		return -errno;
	return unlinkat(e->parent, e->name, flags) < 0 ? -errno : 0;
}

/* Removes the content of the directory that fd is open on. Closes fd. */
static int remove_content(int fd)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin_at(&w, fd, WALK_LEAVE | WALK_UNNAMED);

	while (r == 0 && (e = walk_next(&w))) {
		if (e->type == DT_DIR && e->error == -EACCES) {
			(void)fchmod(e->parent, 0700);
			if (make_accessible(e->parent, e->name) == 0)
				walk_retry(&w);
		}
		if (e->error)
			r = e->error;
		else if (e->leaving || e->type != DT_DIR)
			r = remove_entry(e);
		/* Another process may be removing the same directory. */
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int remove_path(const char *path)
{
	int fd, r;

	if (unlink(path) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && make_accessible(AT_FDCWD, path) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = remove_content(fd);
	if (r == 0 && rmdir(path) < 0)
		r = -errno;
	return r;
}

int dir_remove(const char *path, struct error *err)
{
	int r = remove_path(path);

	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot remove %s", path);
	return 0;
}

void dir_remove_empty(const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, path, WALK_LEAVE | WALK_UNNAMED);

	/* Directories that are not empty stay, because rmdir(2) fails for them. */
	while (r == 0 && (e = walk_next(&w)))
		if (e->type == DT_DIR && (e->leaving || e->error))
			unlinkat(e->parent, e->name, AT_REMOVEDIR);
	rmdir(path);
}

void dir_prune(const char *path, const char *stop)
{
	_cleanup_free_ char *partial = xstrdup(path);

	while (has_prefix(partial, stop) && strlen(partial) > strlen(stop)) {
		if (rmdir(partial) < 0 && errno != ENOENT)
			return;
		*strrchr(partial, '/') = '\0';
	}
}
