/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a process of its own what module files contain. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/beneath.h"
#include "base/file.h"
#include "base/parallel.h"
#include "builder/module/compress.h"
#include "builder/module/examine-answer.h"
#include "builder/module/examine.h"
#include "builder/module/modfile.h"
#include "builder/module/signature.h"

/* The process is ended after this time (s). It needs some milliseconds. */
static unsigned int timeout_s = 60;

static const char *program;

void examine_set_timeout(unsigned int seconds)
{
	timeout_s = seconds;
}

void examine_set_program(const char *path)
{
	program = path;
}

static bool has_process(void)
{
	return program && path_is_dir("/proc/self/fd");
}

/* Keeps only what the dynamic linker and sanitizers need. */
static void set_environment(struct strv *env)
{
	static const char *const kept[] = {"LD_LIBRARY_PATH", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"};

	strv_setenv(env, "LC_ALL", "C");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strv_setenv(env, kept[i], getenv(kept[i]));
}

/* Reads until the other end is closed. Returns 0, -ETIMEDOUT, or another negative
 * errno. */
static int read_answer(int fd, struct str *ret)
{
	struct timespec began, now;
	char buffer[4096];

	clock_gettime(CLOCK_MONOTONIC, &began);
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int r = poll(&p, 1, 1000);
		ssize_t n = r > 0 ? read(fd, buffer, sizeof(buffer)) : -1;

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (n == 0)
			return 0;
		if (n > 0 && ret->len + (size_t)n > ANSWER_MAX)
			return -EFBIG;
		if (n > 0)
			str_add_bytes(ret, buffer, (size_t)n);
		else if (r != 0 && errno != EINTR)
			return -errno;
		if (now.tv_sec - began.tv_sec > timeout_s)
			return -ETIMEDOUT;
	}
}

/* Returns how the process has ended, or NULL if it has exited with 0. The caller frees
 * it. */
static char *describe_end(int r, int status)
{
	if (r == -ETIMEDOUT)
		return xasprintf("ran longer than %u s", timeout_s);
	if (r < 0)
		return xasprintf("gave no answer: %s", strerror(-r));
	if (WIFSIGNALED(status))
		return xasprintf("was killed by signal %d", WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return xasprintf("exited %d", WEXITSTATUS(status));
	return NULL;
}

static uint64_t cpu_ns(const struct rusage *used)
{
	const struct timeval *times[] = {&used->ru_utime, &used->ru_stime};
	uint64_t ns = 0;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		ns += (uint64_t)times[i]->tv_sec * 1000000000u +
		      (uint64_t)times[i]->tv_usec * 1000u;
	return ns;
}

/* Runs the process with these arguments. Returns what answer_parse() does. names is what
 * its errors call the files. */
static int ask(const struct strv *argv, const char *names, struct strv *ret_warnings,
	struct error *err)
{
	_cleanup_(strv_done) struct strv env = {0};
	_cleanup_(str_done) struct str answer = {0};
	_cleanup_free_ char *how = NULL;
	struct rusage used = {0};
	int fds[2], r, status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(
			err, -EPROTO, 1, "%s cannot be looked at: no pipe", names);
	set_environment(&env);
	r = child_start(program, argv, &env, fds[1], &pid);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return error_set(err, -EPROTO, 1,
			"%s cannot be looked at: the program cannot be started: %s",
			names, strerror(-r));
	}
	r = read_answer(fds[0], &answer);
	close(fds[0]);
	if (r < 0)
		kill(pid, SIGKILL);
	while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	parallel_add_cpu_ns(cpu_ns(&used));
	how = describe_end(r, status);
	if (!how) {
		r = answer_parse(
			answer.data ? answer.data : "", answer.len, ret_warnings, err);
		if (r != -EPROTO)
			return r;
		how = xstrdup("gave no answer that can be read");
	}
	return error_set(err, -EPROTO, 1,
		"%s is not a module that can be read: the program that looks at it %s",
		names, how);
}

static void begin_arguments(struct strv *argv, const char *what)
{
	strv_push_all(argv, (const char *const[]){"dkms", EXAMINE_OPTION, what, NULL});
}

static int decompress_here(const char *path, int to, struct error *err)
{
	int copy = fcntl(to, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");
	int r;

	if (!file) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		return error_errno(err, r, 1, "cannot decompress %s", path);
	}
	r = decompress_file(path, compression_of_file(path), file, err);
	if (fclose(file) != 0 && r == 0)
		r = error_errno(err, -errno, 1, "cannot decompress %s", path);
	return r;
}

/* Waits for the process, and ends it when its time is over: it may have been taken over, and sleep.
 * Returns 0 or -ETIMEDOUT. */
static int wait_for(pid_t pid, int *ret_status, struct rusage *ret_used)
{
	struct timespec began, now, pause = {.tv_nsec = 500 * 1000};
	pid_t ended;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &began);
	while ((ended = wait4(pid, ret_status, r < 0 ? 0 : WNOHANG, ret_used)) == 0 ||
		(ended < 0 && errno == EINTR)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (r == 0 && now.tv_sec - began.tv_sec > timeout_s) {
			r = -ETIMEDOUT;
			kill(pid, SIGKILL);
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 10 * 1000 * 1000)
			pause.tv_nsec *= 2;
	}
	return r;
}

int examine_decompress(const char *path, int to, struct error *err)
{
	_cleanup_(strv_done) struct strv argv = {0}, env = {0};
	_cleanup_free_ char *how = NULL;
	struct rusage used = {0};
	int r, status = 0;
	pid_t pid;

	if (!has_process())
		return decompress_here(path, to, err);
	begin_arguments(&argv, "decompress");
	strv_push(&argv, path);
	set_environment(&env);
	r = child_start(program, &argv, &env, to, &pid);
	if (r < 0)
		return error_errno(err, r, 1, "cannot decompress %s", path);
	r = wait_for(pid, &status, &used);
	parallel_add_cpu_ns(cpu_ns(&used));
	how = describe_end(r, status);
	return how ? error_set(err, -EPROTO, 1,
			     "%s cannot be decompressed: the program that does it %s", path, how)
		   : 0;
}

int examine_should_replace(const char *new_path, const char *old_path, struct error *err)
{
	_cleanup_(strv_done) struct strv argv = {0}, warnings = {0};
	_cleanup_free_ char *names = xasprintf("%s or %s", new_path, old_path);

	if (!has_process())
		return modfile_should_replace(new_path, old_path, err);
	begin_arguments(&argv, "replace");
	strv_push(&argv, new_path);
	strv_push(&argv, old_path);
	return ask(&argv, names, &warnings, err);
}

int examine_signers(const struct strv *paths, struct strv *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv argv = {0};
	_cleanup_free_ char *names = NULL;
	size_t before = ret->n;
	int r;

	if (!has_process())
		return modfile_list_signers(paths, ret, err);
	if (!paths->n)
		return 0;
	begin_arguments(&argv, "signers");
	strv_extend(&argv, paths);
	names = strv_join(paths, " or ");
	r = ask(&argv, names, ret, err);
	if (r >= 0 && ret->n - before != paths->n)
		return error_set(err, -EPROTO, 1, "%s: not all signatures could be read", names);
	return r < 0 ? r : 0;
}

int examine_for_kernel(const struct strv *paths, const char *release,
	const struct strv *symvers, struct strv *ret_warnings, struct error *err)
{
	_cleanup_(strv_done) struct strv argv = {0}, bases = {0};
	_cleanup_free_ char *names = NULL;

	if (!has_process())
		return modfile_check_for_kernel(
			paths, release, symvers, ret_warnings, err);
	if (!paths->n)
		return 0;
	begin_arguments(&argv, "check");
	strv_push(&argv, release);
	strv_pushf(&argv, "%zu", paths->n);
	strv_extend(&argv, paths);
	strv_extend(&argv, symvers);
	for (size_t i = 0; i < paths->n; i++)
		strv_push(&bases, path_base(paths->items[i]));
	names = strv_join(&bases, " or ");
	return ask(&argv, names, ret_warnings, err);
}

bool examine_may_be_signed(const char *path)
{
	_cleanup_close_ int fd = -1;

	if (compression_of_file(path) == COMPRESSION_NONE)
		return signature_is_appended(path);
	fd = memfd_create("module", MFD_CLOEXEC);
	return fd < 0 || examine_decompress(path, fd, NULL) < 0 ||
	       signature_is_appended(fd_path(fd).path);
}
