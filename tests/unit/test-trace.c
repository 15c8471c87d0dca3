/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/file.h"
#include "builder/run/trace.h"
#include "tests/unit/tap.h"

/* Whether a file with this name was recorded. */
static bool is_recorded(const struct trace *t, const char *name)
{
	const struct traced_file *files;
	size_t n;

	files = trace_files(t, &n);
	for (size_t i = 0; i < n; i++)
		if (streq(path_base(files[i].path), name))
			return true;
	return false;
}

/* What other programs open while a record is started is not in it. */
static void test_others(void)
{
	pid_t child = fork();
	size_t n, all = 0;

	for (; child == 0;)
		close(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	for (size_t i = 0; i < 200; i++) {
		struct trace *t = trace_new(NULL);

		trace_read(t);
		trace_files(t, &n);
		all += n;
		trace_free(t);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	is_int((long)all, 0, "what other programs open is not recorded");
}

static void open_file(const char *path)
{
	close(open(path, O_RDONLY | O_CLOEXEC));
}

/* A read-only mount with another one over it, which commands can write to, as in a
 * sandbox whose machine has mounted its /tmp. */
static void test_covered(const char *dir)
{
	_cleanup_free_ char *below = path_join(dir, "below"),
			    *seen = path_join(dir, "seen");
	_cleanup_free_ char *written = path_join(below, "written"),
			    *read = path_join(seen, "read");
	struct trace *t = trace_new(NULL);
	unsigned long only_read = MS_REMOUNT | MS_RDONLY;

	dir_make(below, NULL);
	dir_make(seen, NULL);
	ok(mount("test", seen, "tmpfs", 0, NULL) == 0, "a mount");
	file_write(read, "x", 1, 0644, NULL);
	ok(mount(NULL, seen, NULL, only_read, NULL) == 0, "it is made read-only");
	ok(mount("test", below, "tmpfs", 0, NULL) == 0, "a mount of another directory");
	ok(mount(NULL, below, NULL, only_read, NULL) == 0, "it is made read-only");
	ok(mount("test", below, "tmpfs", 0, NULL) == 0, "a writable mount over it");
	file_write(written, "x", 1, 0644, NULL);
	is_int(trace_add_mounts(t, getpid()), 0, "the mounts are added");
	open_file(written);
	open_file(read);
	trace_end_command(t);
	ok(is_recorded(t, "read"), "opens are recorded");
	ok(!is_recorded(t, "written"), "but not those on the writable mount");
	trace_free(t);
	umount(below);
	umount(below);
	umount(seen);
}

static void on_signal(int signum)
{
	(void)signum;
}

/* Signals arrive while the list of mounts is looked at, as they do when children end. No
 * file system is mounted, so the record stays complete. */
static void test_signals(void)
{
	const struct itimerval often = {{0, 20}, {0, 20}}, never = {0};
	const struct sigaction action = {.sa_handler = on_signal};
	struct trace *t = trace_new(NULL);

	sigaction(SIGALRM, &action, NULL);
	is_int(trace_add_mounts(t, getpid()), 0, "the mounts are added");
	setitimer(ITIMER_REAL, &often, NULL);
	for (size_t i = 0; i < 50000 && !trace_problem(t); i++)
		trace_read(t);
	setitimer(ITIMER_REAL, &never, NULL);
	is(trace_problem(t), NULL, "signals are not taken for a mount");
	trace_end_command(t);
	trace_free(t);
}

int main(void)
{
	char dir[] = "/tmp/dkms-test.XXXXXX";
	struct trace *t = trace_new(NULL);

	if (!t || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		printf("1..0 # SKIP recording opens needs root\n");
		trace_free(t);
		return 0;
	}
	trace_free(t);
	ok(mkdtemp(dir) != NULL, "a directory");
	test_others();
	test_covered(dir);
	test_signals();
	dir_remove(dir, NULL);
	return done_testing();
}
