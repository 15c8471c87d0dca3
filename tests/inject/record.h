/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_RECORD_H
#define INJECT_RECORD_H

/* The record of what dkms has done to the file system. inject.c includes this after plan.h. Its lines
 * have fields that are separated by tabs. */

static void record(const char *format, ...)
{
	char line[3 * PATHS];
	va_list args;
	int n, saved = errno;

	if (plan.record_fd < 0)
		return;
	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	line[n++] = '\n';
	syscall(SYS_write, plan.record_fd, line, (size_t)n);
	errno = saved;
}

static bool records(const char *path)
{
	return plan.root_len && plan.record_fd >= 0 && !inside && is_in_root(path);
}

static unsigned long inode(int fd)
{
	struct stat st;

	inside = true;
	if (syscall(SYS_fstat, fd, &st) < 0)
		st.st_ino = 0;
	inside = false;
	return (unsigned long)st.st_ino;
}

static unsigned long inode_of(const char *path)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	unsigned long n = fd < 0 ? 0 : inode((int)fd);

	if (fd >= 0)
		syscall(SYS_close, fd);
	return n;
}

/* Records what the whole file has now. */
static void record_content(const char *op, const char *path, int fd)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[4096];
	char hex[2 * sizeof(bytes)], link[64];
	long in, n;
	int saved = errno;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	pthread_mutex_lock(&lock);
	in = syscall(SYS_openat, AT_FDCWD, fd < 0 ? path : link,
		O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (in >= 0) {
		char head[PATHS + 64];
		struct stat st = {0};
		int len;

		syscall(SYS_fstat, in, &st);
		len = snprintf(head, sizeof(head), "%s\t%s\t%o\t", op, path,
			st.st_mode & 07777);

		syscall(SYS_write, plan.record_fd, head, (size_t)len);
		while ((n = syscall(SYS_read, in, bytes, sizeof(bytes))) > 0) {
			for (long i = 0; i < n; i++) {
				hex[2 * i] = digits[bytes[i] >> 4];
				hex[2 * i + 1] = digits[bytes[i] & 15];
			}
			syscall(SYS_write, plan.record_fd, hex, (size_t)(2 * n));
		}
		syscall(SYS_write, plan.record_fd, "\n", 1);
		syscall(SYS_close, in);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

static void record_created(int dir, const char *path, int flags, int fd)
{
	char buffer[PATHS];
	const char *whole;
	struct stat st;

	if (!plan.root_len || plan.record_fd < 0 || inside || fd < 0 || !(flags & O_CREAT))
		return;
	whole = resolve(dir, path, buffer);
	if (records(whole) && syscall(SYS_fstat, fd, &st) == 0)
		record("create\t%s\t%lu\t%o", whole, (unsigned long)st.st_ino,
			st.st_mode & 07777);
}

static void record_names(const char *op, int dir_a, const char *a, int dir_b, const char *b)
{
	char buffer_a[PATHS], buffer_b[PATHS];
	const char *whole_a, *whole_b;

	if (!plan.root_len || plan.record_fd < 0 || inside)
		return;
	whole_a = resolve(dir_a, a, buffer_a);
	whole_b = b ? resolve(dir_b, b, buffer_b) : "";
	if (records(whole_a))
		record("%s\t%s\t%s\t%lu", op, whole_a, whole_b,
			inode_of(b ? whole_b : whole_a));
}

#endif
