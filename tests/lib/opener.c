/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints a file that it opens in a way of which a record of opens could know nothing, or
 * tries to get mounts of its own. Exits 3 if the kernel does not have that call.
 *
 *   opener openat|mmap|path|exec|uring|int80 FILE
 *   opener unshare-user|unshare-mount|clone|clone3|setns|int80-unshare
 *
 * The second kind prints what came of it: "permitted", or the error. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNSUPPORTED 3

static void print(int fd)
{
	char buffer[256];
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer));

	if (n < 0)
		exit(errno == ENOSYS || errno == EPERM ? UNSUPPORTED : 1);
	exit(write(1, buffer, (size_t)n) != n);
}

static void print_mapped(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0)
		exit(1);
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	exit(text == MAP_FAILED || write(1, text, (size_t)st.st_size) != st.st_size);
}

/* Opens without reading, and reads through the descriptor's name in /proc. */
static void print_by_path(const char *path)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", open(path, O_PATH));
	print(open(link, O_RDONLY));
}

static void execute(const char *path)
{
	char *argv[] = {(char *)path, NULL}, *env[] = {NULL};

	syscall(SYS_execveat, open(path, O_PATH), "", argv, env, AT_EMPTY_PATH);
	exit(1);
}

static void print_by_uring(const char *path)
{
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
	char *sq, *cq;

	if (ring < 0)
		exit(UNSUPPORTED);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*done),
		PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entries = mmap(NULL, p.sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
		MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || entries == MAP_FAILED)
		exit(1);
	entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)path,
		.open_flags = O_RDONLY};
	((unsigned int *)(sq + p.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned int *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		exit(UNSUPPORTED);
	done = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	errno = -done->res;
	print(done->res);
}

static void on_fault(int signum)
{
	(void)signum;
	_exit(UNSUPPORTED);
}

/* Makes a call of 32-bit programs: there is a kernel that does not have them. */
static long call_32(long number, long argument)
{
	signal(SIGSEGV, on_fault);
#if defined(__x86_64__)
	__asm__ volatile("int $0x80"
			 : "+a"(number)
			 : "b"(argument), "c"(0L), "d"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)number;
#else
	(void)number;
	(void)argument;
	exit(UNSUPPORTED);
#endif
}

/* The path must be at an address that 32 bits can hold. */
static void print_by_32(const char *path)
{
#if defined(__x86_64__)
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	strcpy(low, path);
	print((int)call_32(5, (long)(uintptr_t)low)); /* open */
#else
	(void)path;
	exit(UNSUPPORTED);
#endif
}

static void say(long result)
{
	puts(result >= 0 ? "permitted" : strerror(errno));
	exit(0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "", *path = argc > 2 ? argv[2] : "";
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long result;

	if (!strcmp(how, "openat"))
		print((int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY));
	if (!strcmp(how, "mmap"))
		print_mapped(path);
	if (!strcmp(how, "path"))
		print_by_path(path);
	if (!strcmp(how, "exec"))
		execute(path);
	if (!strcmp(how, "uring"))
		print_by_uring(path);
	if (!strcmp(how, "int80"))
		print_by_32(path);
	if (!strcmp(how, "unshare-user"))
		say(syscall(SYS_unshare, CLONE_NEWUSER));
	if (!strcmp(how, "unshare-mount"))
		say(syscall(SYS_unshare, CLONE_NEWNS));
	if (!strcmp(how, "clone")) {
		result = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
		if (result == 0)
			_exit(0);
		say(result);
	}
	if (!strcmp(how, "clone3")) {
		result = syscall(SYS_clone3, &args, sizeof(args));
		if (result == 0)
			_exit(0);
		say(result);
	}
	if (!strcmp(how, "setns"))
		say(syscall(SYS_setns, open("/proc/self/ns/user", O_RDONLY), 0));
	if (!strcmp(how, "int80-unshare")) {
		result = call_32(310, CLONE_NEWUSER); /* unshare */
		errno = (int)-result;
		say(result);
	}
	return 1;
}
