/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The number of job slots before and after use, in each form, and with the jobserver of a
 * make above. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "scheduler/cpus.h"
#include "scheduler/makeflags.h"
#include "scheduler/slots.h"
#include "tests/unit/tap.h"

static void test_makeflags(void)
{
	static const struct {
		const char *text;
		bool jobserver;
		int read_fd, write_fd;
		const char *fifo;
		unsigned int jobs;
	} cases[] = {
		{NULL, false, -1, -1, NULL, 0},
		{"", false, -1, -1, NULL, 0},
		{"ks", false, -1, -1, NULL, 0},
		{" -j4 --jobserver-auth=3,4", true, 3, 4, NULL, 4},
		{"s -j --jobserver-fds=5,7", true, 5, 7, NULL, 0},
		{" -j8 --jobserver-auth=fifo:/tmp/GMfifo1", true, -1, -1, "/tmp/GMfifo1", 8},
		{" --jobserver-auth=3,4 --jobserver-auth=fifo:/x -j2", true, -1, -1, "/x", 2},
		{" --jobserver-auth=fifo:/x --jobserver-auth=3,4", true, 3, 4, NULL, 0},
		{" -j2 --jobserver-auth=-2,-2", true, -2, -2, NULL, 2},
		{" -j2 --jobserver-auth=", true, -1, -1, NULL, 2},
		{" -j2 --jobserver-auth=semaphore", true, -1, -1, NULL, 2},
		{" -j2 -- --jobserver-auth=3,4 -j9", false, -1, -1, NULL, 2},
		{" -j99999999999", false, -1, -1, NULL, 65535},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct makeflags m;

		makeflags_parse(cases[i].text, &m);
		ok(m.jobserver == cases[i].jobserver && m.read_fd == cases[i].read_fd &&
				m.write_fd == cases[i].write_fd && m.jobs == cases[i].jobs &&
				!m.fifo == !cases[i].fifo &&
				(!m.fifo || streq(m.fifo, cases[i].fifo)),
			"MAKEFLAGS='%s'", cases[i].text ? cases[i].text : "(none)");
		makeflags_done(&m);
	}
}

static void test_taking(struct slots *s)
{
	char token;

	ok(slots_take(s) && slots_take(s) && slots_take(s), "three slots can be taken");
	ok(!slots_take(s), "a fourth slot cannot be taken");
	slots_give(s);
	ok(slots_take(s), "a slot that was returned can be taken again");
	slots_give(s);
	slots_give(s);
	slots_lend_to_command(s);
	slots_lend_to_command(s);
	is_int(read(s->fd, &token, 1), 1, "a make takes a token and is killed");
	is_int(slots_reclaim_from_command(s), 0,
		"while another command runs, it could have the token");
	is_int(slots_reclaim_from_command(s), 1,
		"after the last command the token is known to be missing");
	slots_lend_to_command(s);
	is_int(write(s->fd, "+++", 3), 3, "a make returns tokens that it never took");
	is_int(slots_reclaim_from_command(s), 0, "no token is missing");
	ok(slots_take(s) && slots_take(s) && !slots_take(s),
		"there are three slots again");
	is_int(s->n_taken, 3, "all slots are taken");
}

static void test_own(void)
{
	_cleanup_(strv_done) struct strv env = {0};
	_cleanup_free_ char *fifo = NULL, *flags = NULL;
	struct stat st;
	struct slots s;

	is_int(slots_init_pipe(&s, 3), 0, "a jobserver with a pipe");
	slots_set_makeflags(&s, &env);
	is(strv_getenv(&env, "MAKEFLAGS"), " -j3 --jobserver-auth=3,4",
		"MAKEFLAGS for a pipe");
	test_taking(&s);
	slots_done(&s);

	is_int(slots_init_fifo(&s, 3), 0, "a jobserver with a named pipe");
	slots_set_makeflags(&s, &env);
	flags = xasprintf(" -j3 --jobserver-auth=fifo:%s", s.fifo);
	is(strv_getenv(&env, "MAKEFLAGS"), flags, "MAKEFLAGS for a named pipe");
	fifo = xstrdup(s.fifo);
	ok(stat(fifo, &st) == 0 && S_ISFIFO(st.st_mode), "the named pipe exists");
	test_taking(&s);
	slots_done(&s);
	ok(stat(fifo, &st) < 0 && errno == ENOENT, "the named pipe is removed");
	*strrchr(fifo, '/') = '\0';
	ok(stat(fifo, &st) < 0 && errno == ENOENT, "its directory is removed");

	is_int(slots_init_pipe(&s, 65535), 0, "the largest number that -j accepts");
	ok(s.total >= 4096, "as many slots as fit into a pipe: %u", s.total);
	slots_done(&s);
}

/* Returns the number of tokens in a pipe, without removing them. */
static int count(int fd)
{
	char tokens[64];
	ssize_t n = read(fd, tokens, sizeof(tokens));

	if (n > 0 && write(fd, tokens, (size_t)n) != n)
		return -1;
	return n < 0 ? 0 : (int)n;
}

/* Checks slots that are shared with a make above: its three tokens, and the one that this
 * process has. */
static void takes_part(const char *makeflags, int fd, const char *told)
{
	_cleanup_(strv_done) struct strv env = {0};
	char tokens[4] = "";
	struct slots s;

	ok(write(fd, "abc", 3) == 3, "a make has put three slots into %s", makeflags);
	is_int(slots_join_make(&s, makeflags), 1, "dkms joins the make");
	slots_set_makeflags(&s, &env);
	is(strv_getenv(&env, "MAKEFLAGS"), told, "MAKEFLAGS for the makes below");
	ok(slots_take(&s), "the first slot is that of this process");
	is_int(count(fd), 3, "it takes no token from the pipe");
	ok(slots_take(&s) && slots_take(&s), "two more slots can be taken");
	is_int(count(fd), 1, "they take tokens from the pipe");
	slots_give(&s);
	is_int(count(fd), 2, "a returned slot returns its token first");
	ok(slots_take(&s) && slots_take(&s) && !slots_take(&s),
		"a fifth slot cannot be taken");
	slots_lend_to_command(&s);
	is_int(slots_reclaim_from_command(&s), 0,
		"missing tokens may belong to other processes");
	is_int(count(fd), 0, "no token is added");
	slots_done(&s);
	is_int(read(fd, tokens, 3), 3, "at the end all tokens are back");
	ok(strchr(tokens, 'a') && strchr(tokens, 'b') && strchr(tokens, 'c'),
		"they are the same bytes as before");
}

static void is_lost(const char *makeflags, const char *description)
{
	struct slots s;

	is_int(slots_join_make(&s, makeflags), -ENOTCONN, description);
	slots_done(&s);
}

static void test_outer(void)
{
	_cleanup_free_ char *pipe_flags = NULL, *fifo_flags = NULL, *file_flags = NULL;
	_cleanup_free_ char *wrong_flags = NULL, *mixed_flags = NULL, *null_flags = NULL;
	char dir[] = "/tmp/dkms-test-XXXXXX";
	_cleanup_free_ char *fifo = NULL;
	int fds[2], others[2], null_fd, fd;
	struct slots s;

	if (!ok(mkdtemp(dir) && pipe(fds) == 0 && pipe(others) == 0, "pipes"))
		return;
	null_fd = open("/dev/null", O_RDWR);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pipe_flags = xasprintf(" -j4 --jobserver-auth=%d,%d", fds[0], fds[1]);
	/* Opens the pipe again, so that one descriptor reads and writes. */
	fifo = xasprintf("/proc/self/fd/%d", fds[0]);
	fd = open(fifo, O_RDWR | O_NONBLOCK);
	takes_part(pipe_flags, fd, " -j4 --jobserver-auth=3,4");
	close(fd);

	free(fifo);
	fifo = xasprintf("%s/fifo", dir);
	fifo_flags = xasprintf(" -j --jobserver-auth=fifo:%s", fifo);
	is_lost(fifo_flags, "a named pipe that does not exist");
	mkfifo(fifo, 0600);
	fd = open(fifo, O_RDWR | O_NONBLOCK);
	takes_part(fifo_flags, fd, " -j --jobserver-auth=3,4");
	close(fd);
	unlink(fifo);

	is_int(slots_join_make(&s, NULL), 0, "without a make above");
	is_int(slots_join_make(&s, "k -j4"), 0, "a make without a jobserver");
	is_lost(" -j4 --jobserver-auth=-2,-2", "descriptors that are not passed on");
	is_lost(" -j4 --jobserver-auth=990,991", "descriptors that are closed");
	null_flags = xasprintf(" --jobserver-auth=%d,%d", null_fd, null_fd);
	is_lost(null_flags, "descriptors that are not a pipe");
	wrong_flags = xasprintf(" --jobserver-auth=%d,%d", fds[1], fds[0]);
	is_lost(wrong_flags, "exchanged ends of a pipe");
	mixed_flags = xasprintf(" --jobserver-auth=%d,%d", fds[0], others[1]);
	is_lost(mixed_flags, "ends of two different pipes");
	file_flags = xasprintf(" --jobserver-auth=fifo:%s", dir);
	is_lost(file_flags, "the name of a file that is not a pipe");
	rmdir(dir);
}

static void test_cpus(void)
{
	unsigned int all = cpus_available();
	cpu_set_t before, one;

	ok(all >= 1, "at least one CPU is available");
	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
	ok(cpus_available() == 1, "with an affinity for one of %u CPUs, one is available", all);
	sched_setaffinity(0, sizeof(before), &before);
	is_int(cpus_available(), all, "with the old affinity, all are available again");
}

int main(void)
{
	test_makeflags();
	test_own();
	test_outer();
	test_cpus();
	return done_testing();
}
