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

/* A make, as far as a jobserver knows it: takes and puts back tokens. */
static unsigned int make_takes(struct jobserver *js, unsigned int n)
{
	unsigned int taken = 0;
	char token;

	while (taken < n && read(js->fd, &token, 1) == 1)
		taken++;
	return taken;
}

static bool make_puts(struct jobserver *js, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (write(js->fd, "+", 1) != 1)
			return false;
	return true;
}

static unsigned int take_all(struct slots *s)
{
	unsigned int n = 0;

	while (slots_take(s))
		n++;
	return n;
}

static void give_all(struct slots *s, unsigned int n)
{
	for (; n; n--)
		slots_give(s);
}

static void test_taking(struct slots *s)
{
	struct jobserver a, b;

	is_int(take_all(s), 3, "three slots can be taken");
	slots_give(s);
	ok(slots_take(s) && !slots_take(s), "a slot that was returned can be taken again");
	slots_give(s);
	slots_give(s);
	is_int(jobserver_open(&a, s, NULL), 0, "a jobserver");
	is_int(make_takes(&a, 1), 0, "has no token at first");
	slots_balance(s);
	is_int(make_takes(&a, 9), 2, "gets what is free");
	is_int(take_all(s), 0, "which nobody else can take");
	is_int(jobserver_open(&b, s, NULL), 0, "another jobserver");
	slots_balance(s);
	is_int(make_takes(&b, 9), 0, "has no token while all are in use");
	make_puts(&a, 1);
	slots_balance(s);
	is_int(make_takes(&b, 9), 1, "gets one that a make has put back");
	make_puts(&b, 1);
	make_puts(&a, 1);
	slots_balance(s);
	ok(slots_take(s) && slots_take(s) && !slots_take(s),
		"jobs that wait for slots get those that no make has taken");
	give_all(s, 2);
	slots_balance(s);
	make_takes(&a, 9);
	make_takes(&b, 9);
	jobserver_close(&a);
	jobserver_close(&b);
	is_int(take_all(s), 2, "all slots are back after the makes were killed");
	is_int(s->n_taken, 3, "all slots are taken");
	give_all(s, 3);
}

/* Tokens go where they are taken, however many other jobservers there are. */
static void test_rotation(void)
{
	struct jobserver servers[5];
	struct slots s;
	unsigned int got = 0, before;

	slots_init_pipe(&s, 6);
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		slots_take(&s); /* for the job */
		jobserver_open(&servers[i], &s, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		for (int calls = 0; calls < 10 && !got; calls++) {
			slots_balance(&s);
			got = make_takes(&servers[i], 1);
		}
		is_int(got, 1, "the only token comes to the jobserver that wants it");
		make_puts(&servers[i], got);
		got = 0;
	}
	before = s.n_taken;
	give_all(&s, 3); /* three jobs end */
	slots_balance(&s);
	for (size_t i = 0; i < 4; i++)
		is_int(make_takes(&servers[i], 9) > 0, 1, "free slots are lent to all");
	is_int(s.n_taken, before, "never more than there are");
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		jobserver_close(&servers[i]);
	is_int(s.n_taken, 2, "the jobs that are left have their slots");
	slots_done(&s);
}

/* What a build does to its own jobserver harms itself only. */
static void test_hostile(bool fifo)
{
	struct jobserver bad, good;
	struct slots s;
	int flags;

	is_int(fifo ? slots_init_fifo(&s, 4) : slots_init_pipe(&s, 4), 0, "slots");
	slots_take(&s);
	slots_take(&s);
	jobserver_open(&bad, &s, NULL);
	jobserver_open(&good, &s, NULL);
	slots_balance(&s);
	ok(make_puts(&bad, 1000), "a build writes tokens that it has never taken");
	slots_balance(&s);
	is_int(take_all(&s), 2, "there are not more slots than before");
	is_int(s.n_taken, 4, "the count is right");
	give_all(&s, 2);
	while (make_puts(&bad, 1))
		;
	slots_balance(&s);
	ok(make_takes(&good, 9) >= 1, "a full pipe does not harm the other command");
	if (!fifo) {
		flags = fcntl(bad.read_fd, F_GETFL);
		fcntl(bad.read_fd, F_SETFL, flags | O_NONBLOCK);
		fcntl(bad.write_fd, F_SETFL, fcntl(bad.write_fd, F_GETFL) | O_NONBLOCK);
		ok(!(fcntl(good.read_fd, F_GETFL) & O_NONBLOCK),
			"O_NONBLOCK does not reach the other pipe");
	} else {
		ok(!streq(bad.fifo, good.fifo), "each command has its own named pipe");
	}
	flags = fcntl(bad.fd, F_GETFL);
	ok(flags & O_NONBLOCK, "dkms itself never waits");
	jobserver_close(&bad);
	make_puts(&good, 1);
	is_int(take_all(&s), 2, "after the build the slots can be taken");
	jobserver_close(&good);
	is_int(take_all(&s), 0, "and no more");
	slots_done(&s);
}

static void test_own(void)
{
	_cleanup_(strv_done) struct strv env = {0};
	_cleanup_free_ char *fifo = NULL, *flags = NULL, *other = NULL;
	struct jobserver js;
	struct stat st;
	struct slots s;

	is_int(slots_init_pipe(&s, 3), 0, "slots with pipes");
	is_int(jobserver_open(&js, &s, NULL), 0, "a jobserver with a pipe");
	jobserver_set_makeflags(&js, &env);
	is(strv_getenv(&env, "MAKEFLAGS"), " -j3 --jobserver-auth=3,4",
		"MAKEFLAGS for a pipe");
	jobserver_close(&js);
	test_taking(&s);
	slots_done(&s);

	is_int(slots_init_fifo(&s, 3), 0, "slots with named pipes");
	fifo = slots_fifo_path(&s, 7);
	other = xstrdup(s.fifo_dir);
	is_int(jobserver_open(&js, &s, fifo), 0, "a jobserver with a named pipe");
	jobserver_set_makeflags(&js, &env);
	flags = xasprintf(" -j3 --jobserver-auth=fifo:%s", fifo);
	is(strv_getenv(&env, "MAKEFLAGS"), flags, "MAKEFLAGS for a named pipe");
	ok(stat(fifo, &st) == 0 && S_ISFIFO(st.st_mode), "the named pipe exists");
	jobserver_close(&js);
	ok(stat(fifo, &st) < 0 && errno == ENOENT, "the named pipe is removed");
	test_taking(&s);
	slots_done(&s);
	ok(stat(other, &st) < 0 && errno == ENOENT, "its directory is removed");

	is_int(slots_init_pipe(&s, 65535), 0, "the largest number that -j accepts");
	is_int(jobserver_open(&js, &s, NULL), 0, "a jobserver");
	slots_balance(&s);
	ok(make_takes(&js, 65535) > 8, "gets some of the slots");
	jobserver_close(&js);
	is_int(take_all(&s), 65535, "each can be taken");
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
	struct jobserver js;
	struct slots s;
	int lent = 0;

	ok(write(fd, "abc", 3) == 3, "a make has put three slots into %s", makeflags);
	is_int(slots_join_make(&s, makeflags), 1, "dkms joins the make");
	ok(slots_take(&s), "the first slot is that of this process");
	is_int(count(fd), 3, "it takes no token from the pipe");
	ok(slots_take(&s) && slots_take(&s), "two more slots can be taken");
	is_int(count(fd), 1, "they take tokens from the pipe");
	slots_give(&s);
	is_int(count(fd), 2, "a returned slot returns its token first");

	is_int(jobserver_open(&js, &s, NULL), 0, "a jobserver for a command");
	jobserver_set_makeflags(&js, &env);
	is(strv_getenv(&env, "MAKEFLAGS"), told, "MAKEFLAGS for the makes below");
	slots_balance(&s);
	is_int(count(fd), 1, "one token is lent, and not more");
	is_int(make_takes(&js, 9), 1, "the command takes it");
	slots_balance(&s);
	is_int(make_takes(&js, 9), 1, "and then the next one");
	slots_balance(&s);
	is_int(count(fd), 0, "all are in use");
	make_puts(&js, 2);
	for (int calls = 0; calls < 100; calls++) {
		slots_balance(&s);
		lent += count(fd) < 2;
	}
	ok(lent < 50, "what nobody has taken is mostly free for the make above: %d", lent);
	make_puts(&js, 50);
	slots_balance(&s);
	jobserver_close(&js);
	is_int(count(fd), 2, "tokens that the command has made up do not reach it");
	ok(slots_take(&s) && slots_take(&s) && !slots_take(&s),
		"a fifth slot cannot be taken");
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
	test_rotation();
	test_hostile(false);
	test_hostile(true);
	test_outer();
	test_cpus();
	return done_testing();
}
