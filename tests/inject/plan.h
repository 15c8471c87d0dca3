/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INJECT_PLAN_H
#define INJECT_PLAN_H

/* What is to be done to which call? See inject.c, which includes this. */

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATHS (2 * PATH_MAX)

static struct {
	char root[PATH_MAX];
	size_t root_len; /* 0: this process is not dkms, or nothing is to be done */
	unsigned long at, event;
	bool sticky, looks, talks, sites;
	int error, signal;
	int log_fd, record_fd;
} plan = {.log_fd = -1, .record_fd = -1};

static atomic_ulong calls, events;
static atomic_bool signalled;
static __thread bool inside; /* a call of this library itself, or of the C library */

#define REAL(name) \
	static __typeof__(name) *real; \
	if (!real) \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int open_output(const char *variable)
{
	const char *path = getenv(variable);
	long fd = path ? syscall(SYS_openat, AT_FDCWD, path,
				 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
		       : -1;
	/* A high number, so that the descriptors of dkms are the same as without this. */
	long high = fd < 0 ? -1 : syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200);

	if (fd >= 0)
		syscall(SYS_close, fd);
	return (int)high;
}

static unsigned long number(const char *variable)
{
	const char *value = getenv(variable);

	return value ? strtoul(value, NULL, 10) : 0;
}

static void read_sites(const char *path);
static int find_program(struct dl_phdr_info *info, size_t size, void *unused);

__attribute__((constructor)) static void begin(void)
{
	char exe[PATH_MAX] = "";
	const char *root = getenv("INJECT_ROOT"), *slash;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0 || !root)
		return;
	slash = strrchr(exe, '/');
	if (!slash || strcmp(slash, "/dkms") != 0)
		return;
	plan.at = number("INJECT_AT");
	plan.event = number("INJECT_EVENT");
	plan.looks = getenv("INJECT_LOOKS") != NULL;
	plan.talks = getenv("INJECT_TALK") != NULL;
	plan.sites = getenv("INJECT_SITES") != NULL;
	if (plan.sites)
		read_sites(getenv("INJECT_SITES"));
	dl_iterate_phdr(find_program, NULL);
	plan.sticky = getenv("INJECT_STICKY") != NULL;
	plan.error = (int)number("INJECT_ERROR");
	plan.signal = (int)number("INJECT_SIGNAL");
	plan.log_fd = open_output("INJECT_LOG");
	plan.record_fd = open_output("INJECT_RECORD");
	snprintf(plan.root, sizeof(plan.root), "%s", root);
	plan.root_len = strlen(plan.root);
	unsetenv("LD_PRELOAD");
}

static bool is_in_root(const char *path)
{
	const char *also = getenv("INJECT_ALSO");
	size_t n = also ? strlen(also) : 0;

	if (n && strncmp(path, also, n) == 0 && path[n] == '/')
		return true;
	return strncmp(path, plan.root, plan.root_len) == 0 &&
	       (path[plan.root_len] == '/' || !path[plan.root_len]);
}

/* Finds the path of a descriptor, or of a path relative to one. */
static const char *resolve(int fd, const char *path, char ret[PATHS])
{
	char link[64];
	ssize_t n;

	if (path && *path == '/')
		return path;
	if (fd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/self/cwd");
	else
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, ret, PATH_MAX);
	if (n < 0)
		return "";
	snprintf(ret + n, (size_t)(PATHS - n), "%s%s", path && *path ? "/" : "",
		path ? path : "");
	return ret;
}

/* The callers of a call, of which those in dkms count. */
struct callers {
	uintptr_t addresses[24]; /* relative to the start of the program */
	int n;
	unsigned long number; /* the same in each run */
};

static uintptr_t program, program_end;

static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	program = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t end = program + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;

		program_end = end > program_end ? end : program_end;
	}
	return 1; /* the program itself comes first */
}

static void find_callers(const char *function, struct callers *ret)
{
	void *frames[32];
	int n = backtrace(frames, 32);

	ret->n = 0;
	ret->number = 5381;
	for (; *function; function++)
		ret->number = 33 * ret->number + (unsigned char)*function;
	for (int i = 0; i < n && ret->n < 24; i++) {
		uintptr_t address = (uintptr_t)frames[i];

		if (address < program || address >= program_end)
			continue;
		ret->addresses[ret->n++] = address - program - 1;
		ret->number = 33 * ret->number + address - program;
	}
}

static void log_hit(const char *function, const char *path, const struct callers *callers)
{
	char line[PATHS + 1024];
	int len;

	if (plan.log_fd < 0)
		return;
	len = snprintf(line, sizeof(line), "%s %lu %s", function, callers->number, path);
	for (int i = 0; i < callers->n && (size_t)len < sizeof(line) - 32; i++)
		len += snprintf(line + len, 32, " %#lx", (unsigned long)callers->addresses[i]);
	line[len++] = '\n';
	syscall(SYS_write, plan.log_fd, line, (size_t)len);
}

/* Sends the signal. A thread that works for dkms waits, so that its main thread handles
 * the signal before the work ends. */
static void send_signal(void)
{
	kill(getpid(), plan.signal);
	if (syscall(SYS_gettid) != getpid())
		usleep(50000);
}

static unsigned long seen[16384];
static size_t n_seen;

/* Returns whether a call with these callers has been seen before. */
static bool was_seen(const struct callers *callers)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool found = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_seen && !found; i++)
		found = seen[i] == callers->number;
	if (!found && n_seen < sizeof(seen) / sizeof(*seen))
		seen[n_seen++] = callers->number;
	pthread_mutex_unlock(&lock);
	return found;
}

static void read_sites(const char *path)
{
	FILE *file = fopen(path, "r");

	while (file && n_seen < sizeof(seen) / sizeof(*seen) &&
		fscanf(file, "%lu", &seen[n_seen]) == 1)
		n_seen++;
	if (file)
		fclose(file);
}

/* Counts a call. Returns true if it must fail; errno is set then. */
static bool hit(const char *function, int fd, const char *path, bool has_path)
{
	char buffer[PATHS];
	const char *whole = "";
	struct callers callers;
	unsigned long n;
	bool is_hit, fails = false;

	if (!plan.root_len || !plan.at || inside)
		return false;
	inside = true;
	if (has_path)
		whole = resolve(fd, path, buffer);
	if (!has_path || is_in_root(whole))
		find_callers(function, &callers);
	if ((!has_path || is_in_root(whole)) && !(plan.sites && was_seen(&callers))) {
		n = atomic_fetch_add(&calls, 1) + 1;
		is_hit = n == plan.at || (plan.sticky && n > plan.at);
		if (is_hit)
			log_hit(function, whole, &callers);
		if (is_hit && plan.signal && !atomic_exchange(&signalled, true))
			send_signal();
		fails = is_hit && plan.error;
	}
	inside = false;
	if (fails)
		errno = plan.error;
	return fails;
}

static bool fails_at(const char *function, int fd, const char *path)
{
	return hit(function, fd, path, true);
}

static bool fails_fd(const char *function, int fd)
{
	return hit(function, fd, NULL, true);
}

static bool look_fails_at(const char *function, int fd, const char *path)
{
	return plan.looks && hit(function, fd, path, true);
}

#endif
