/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library for LD_PRELOAD that makes system calls of dkms fail, sends it a signal in the
 * middle of its work, or records what it does to the file system. Its children run without
 * it. The environment says what to do:
 *
 *   INJECT_ROOT    only calls on paths below this directory count, and calls that start
 *                  processes or make pipes
 *   INJECT_TALK    if set, calls count that make sockets, files in memory, timers and the like, and
 *                  that send or receive messages
 *   INJECT_ALSO    calls on paths below this directory count, too
 *   INJECT_LOOKS   if set, calls that only look at files count as well
 *   INJECT_SITES   a file with numbers: of all calls with the same callers in dkms only the
 *                  first counts, and none if the number of these callers is in the file
 *   INJECT_AT      the number of the call that is hit, from 1 on
 *   INJECT_STICKY  if set, all calls from INJECT_AT on are hit
 *   INJECT_ERROR   a call that is hit fails with this errno
 *   INJECT_SIGNAL  before the call that is hit, dkms gets this signal
 *   INJECT_EVENT   dkms gets INJECT_SIGNAL when it has written this line of --events
 *   INJECT_LOG     a file, to which each hit appends "FUNCTION NUMBER PATH" and the
 *                  addresses of its callers in dkms, for addr2line(1)
 *   INJECT_RECORD  a file, to which each call that succeeds and changes files appends a
 *                  line, for tests/inject/crash.py
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "plan.h"
#include "record.h"

/* The calls. */

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define OPEN_NAME(flags) ((flags) & O_DIRECTORY ? "opendir" : "open")

#define DEFINE_OPEN(name, at, parameters, ...) \
	int name parameters \
	{ \
		REAL(name); \
		va_list args; \
		mode_t mode; \
		int fd; \
		va_start(args, flags); \
		mode = mode_of(flags, args); \
		va_end(args); \
		if (fails_at(OPEN_NAME(flags), at, path)) \
			return -1; \
		fd = real(__VA_ARGS__, mode); \
		record_created(at, path, flags, fd); \
		return fd; \
	}
DEFINE_OPEN(open, AT_FDCWD, (const char *path, int flags, ...), path, flags)
DEFINE_OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), path, flags)
DEFINE_OPEN(openat, dir, (int dir, const char *path, int flags, ...), dir, path, flags)
DEFINE_OPEN(openat64, dir, (int dir, const char *path, int flags, ...), dir, path, flags)

int creat(const char *path, mode_t mode)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* Only openat2(2) and what tracing needs come through this. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list args;
	long a[6];

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_openat2 &&
		fails_at("openat2", (int)a[0], (const char *)a[1]))
		return -1;
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

FILE *fopen(const char *path, const char *mode)
{
	REAL(fopen);
	return fails_at("fopen", AT_FDCWD, path) ? NULL : real(path, mode);
}

char *mkdtemp(char *path)
{
	REAL(mkdtemp);
	char *made = fails_at("mkdtemp", AT_FDCWD, path) ? NULL : real(path);

	if (made)
		record_names("mkdir", AT_FDCWD, made, 0, NULL);
	return made;
}

int mkostemp(char *path, int flags)
{
	REAL(mkostemp);
	int fd = fails_at("mkostemp", AT_FDCWD, path) ? -1 : real(path, flags);

	record_created(AT_FDCWD, path, O_CREAT, fd);
	return fd;
}

int mkstemp(char *path)
{
	return mkostemp(path, 0);
}

DIR *opendir(const char *path)
{
	REAL(opendir);
	return fails_at("opendir", AT_FDCWD, path) ? NULL : real(path);
}

DIR *fdopendir(int fd)
{
	REAL(fdopendir);
	return fails_fd("fdopendir", fd) ? NULL : real(fd);
}

struct dirent *readdir(DIR *dir)
{
	REAL(readdir);
	return fails_fd("readdir", dirfd(dir)) ? NULL : real(dir);
}

ssize_t getdents64(int fd, void *buffer, size_t n)
{
	REAL(getdents64);
	return fails_fd("getdents64", fd) ? -1 : real(fd, buffer, n);
}

/* The descriptor is closed even if the call fails, as close(2) says of Linux. */
int close(int fd)
{
	REAL(close);
	bool writes = plan.root_len && (syscall(SYS_fcntl, fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	bool fails = writes && fails_fd("close", fd);
	int r = real(fd);

	if (!fails)
		return r;
	errno = plan.error;
	return -1;
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	int r = fails_at("rename", AT_FDCWD, from) ? -1 : real(from, to);

	if (r == 0)
		record_names("rename", AT_FDCWD, from, AT_FDCWD, to);
	return r;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	REAL(renameat);
	int r = fails_at("renameat", from_dir, from) ? -1 : real(from_dir, from, to_dir, to);

	if (r == 0)
		record_names("rename", from_dir, from, to_dir, to);
	return r;
}

int renameat2(
	int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	REAL(renameat2);
	int r = fails_at("renameat2", from_dir, from)
			? -1
			: real(from_dir, from, to_dir, to, flags);

	if (r == 0)
		record_names(flags & RENAME_EXCHANGE ? "exchange" : "rename", from_dir,
			from, to_dir, to);
	return r;
}

int link(const char *from, const char *to)
{
	REAL(link);
	int r = fails_at("link", AT_FDCWD, to) ? -1 : real(from, to);

	if (r == 0)
		record_names("link", AT_FDCWD, from, AT_FDCWD, to);
	return r;
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(linkat);
	int r = fails_at("linkat", to_dir, to) ? -1
					       : real(from_dir, from, to_dir, to, flags);

	if (r == 0) {
		char path[PATHS];
		const char *whole = resolve(to_dir, to, path);

		if (records(whole))
			record("create\t%s\t%lu\t644", whole, inode_of(whole));
	}
	return r;
}

int symlinkat(const char *target, int dir, const char *path)
{
	REAL(symlinkat);
	char buffer[PATHS];
	int r = fails_at("symlink", dir, path) ? -1 : real(target, dir, path);

	if (r == 0 && plan.record_fd >= 0 && records(resolve(dir, path, buffer)))
		record("symlink\t%s\t%s\t0", resolve(dir, path, buffer), target);
	return r;
}

int symlink(const char *target, const char *path)
{
	return symlinkat(target, AT_FDCWD, path);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	REAL(mkdirat);
	struct stat st;
	bool exists = syscall(SYS_newfstatat, dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
	int r = !exists && fails_at("mkdir", dir, path) ? -1 : real(dir, path, mode);

	if (r == 0)
		record_names("mkdir", dir, path, 0, NULL);
	return r;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat);
	int r = fails_at(flags & AT_REMOVEDIR ? "rmdir" : "unlink", dir, path)
			? -1
			: real(dir, path, flags);

	if (r == 0)
		record_names("remove", dir, path, 0, NULL);
	return r;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static void record_sync(int fd)
{
	char buffer[PATHS];
	const char *path = plan.root_len ? resolve(fd, NULL, buffer) : "";
	struct stat st;

	if (!records(path) || syscall(SYS_fstat, fd, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		record("syncdir\t%s\t\t%lu", path, (unsigned long)st.st_ino);
	else
		record_content("fsync", path, fd);
}

int fsync(int fd)
{
	REAL(fsync);
	int r = fails_fd("fsync", fd) ? -1 : real(fd);

	if (r == 0)
		record_sync(fd);
	return r;
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* Records that all is on disk, with what depmod, which is not recorded itself, has written to the
 * directory. */
static void record_all(const char *dir)
{
	char path[PATHS + NAME_MAX];
	struct dirent *d;
	DIR *stream;

	inside = true;
	stream = opendir(dir);
	while (stream && (d = readdir(stream))) {
		if (strncmp(d->d_name, "modules.", 8) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		record_content("child", path, -1);
	}
	if (stream)
		closedir(stream);
	inside = false;
	record("syncfs\t%s\t\t0", dir);
}

int syncfs(int fd)
{
	REAL(syncfs);
	char buffer[PATHS];
	int r = fails_fd("syncfs", fd) ? -1 : real(fd);

	if (r == 0 && plan.record_fd >= 0 && records(resolve(fd, NULL, buffer)))
		record_all(resolve(fd, NULL, buffer));
	return r;
}

int flock(int fd, int operation)
{
	REAL(flock);
	return fails_fd("flock", fd) ? -1 : real(fd, operation);
}

/* What was written is recorded as a whole, after each call. */
static void record_written(int fd)
{
	char buffer[PATHS];
	const char *path;

	if (!plan.root_len || plan.record_fd < 0 || inside)
		return;
	path = resolve(fd, NULL, buffer);
	if (records(path))
		record_content("write", path, fd);
}

int fchmod(int fd, mode_t mode)
{
	REAL(fchmod);
	int r = fails_fd("fchmod", fd) ? -1 : real(fd, mode);

	if (r == 0)
		record_written(fd);
	return r;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	REAL(write);
	ssize_t r = fails_fd("write", fd) ? -1 : real(fd, bytes, n);

	if (r > 0)
		record_written(fd);
	return r;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	REAL(pwrite);
	ssize_t r = fails_fd("pwrite", fd) ? -1 : real(fd, bytes, n, at);

	if (r > 0)
		record_written(fd);
	return r;
}

ssize_t copy_file_range(
	int from, off_t *from_at, int to, off_t *to_at, size_t n, unsigned int flags)
{
	REAL(copy_file_range);
	ssize_t r = fails_fd("copy_file_range", to)
			    ? -1
			    : real(from, from_at, to, to_at, n, flags);

	if (r > 0)
		record_written(to);
	return r;
}

ssize_t sendfile(int to, int from, off_t *at, size_t n)
{
	REAL(sendfile);
	ssize_t r = fails_fd("sendfile", to) ? -1 : real(to, from, at, n);

	if (r > 0)
		record_written(to);
	return r;
}

ssize_t read(int fd, void *bytes, size_t n)
{
	REAL(read);
	return (plan.looks && fails_fd("read", fd)) ? -1 : real(fd, bytes, n);
}

ssize_t readlink(const char *path, char *ret, size_t n)
{
	REAL(readlink);
	return look_fails_at("readlink", AT_FDCWD, path) ? -1 : real(path, ret, n);
}

ssize_t readlinkat(int dir, const char *path, char *ret, size_t n)
{
	REAL(readlinkat);
	return look_fails_at("readlink", dir, path) ? -1 : real(dir, path, ret, n);
}

char *realpath(const char *path, char *ret)
{
	REAL(realpath);
	return look_fails_at("realpath", AT_FDCWD, path) ? NULL : real(path, ret);
}

int access(const char *path, int mode)
{
	REAL(access);
	return look_fails_at("access", AT_FDCWD, path) ? -1 : real(path, mode);
}

int stat(const char *restrict path, struct stat *restrict ret)
{
	REAL(stat);
	return look_fails_at("stat", AT_FDCWD, path) ? -1 : real(path, ret);
}

int lstat(const char *restrict path, struct stat *restrict ret)
{
	REAL(lstat);
	return look_fails_at("lstat", AT_FDCWD, path) ? -1 : real(path, ret);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict ret, int flags)
{
	REAL(fstatat);
	return look_fails_at("fstatat", dir, path) ? -1 : real(dir, path, ret, flags);
}

static bool is_called_by_dkms(const void *caller)
{
	Dl_info info;
	const char *slash;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	slash = strrchr(info.dli_fname, '/');
	return strcmp(slash ? slash + 1 : info.dli_fname, "dkms") == 0;
}

int pipe2(int fds[2], int flags)
{
	REAL(pipe2);
	if (plan.at && is_called_by_dkms(__builtin_return_address(0)) &&
		hit("pipe2", -1, NULL, false))
		return -1;
	return real(fds, flags);
}

/* What dkms needs to talk to its program for transfers. */

#define DEFINE_IPC(type, name, parameters, ...) \
	type name parameters \
	{ \
		REAL(name); \
		if (plan.at && plan.talks && \
			is_called_by_dkms(__builtin_return_address(0)) && \
			hit(#name, -1, NULL, false)) \
			return -1; \
		return real(__VA_ARGS__); \
	}
DEFINE_IPC(int, socketpair, (int domain, int type, int protocol, int fds[2]), domain, type, protocol, fds)
DEFINE_IPC(int, memfd_create, (const char *name, unsigned int flags), name, flags)
DEFINE_IPC(int, timerfd_create, (int clock, int flags), clock, flags)
DEFINE_IPC(int, epoll_create1, (int flags), flags)
DEFINE_IPC(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), fd, message, flags)
DEFINE_IPC(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
	REAL(posix_spawnp);
	int r = hit("posix_spawnp", -1, NULL, false) ? plan.error
						     : real(pid, file, actions, attr, argv, env);

	if (r == 0 && plan.record_fd >= 0)
		record("spawn\t%s\t\t0", argv[0]);
	return r;
}

pid_t fork(void)
{
	REAL(fork);
	return hit("fork", -1, NULL, false) ? -1 : real();
}

/* Whether the stream is the file of --events. Other files are flushed as well. */
static bool is_event_log(FILE *stream)
{
	static const char end[] = ".events";
	char link[64], path[4096];
	ssize_t n;

	if (!stream || stream == stdout || stream == stderr || fileno(stream) < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fileno(stream));
	n = readlink(link, path, sizeof(path));
	return n >= (ssize_t)strlen(end) &&
	       memcmp(path + n - strlen(end), end, strlen(end)) == 0;
}

/* The event log flushes its stream after each line. */
int fflush(FILE *stream)
{
	REAL(fflush);
	int r = real(stream);

	if (plan.event && is_event_log(stream) &&
		atomic_fetch_add(&events, 1) + 1 == plan.event) {
		struct callers none = {.n = 0};

		log_hit("event", "", &none);
		send_signal();
	}
	return r;
}
