/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs real processes with the runner, and a real make with its job slots. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scheduler/runner.h"
#include "scheduler/slots.h"
#include "tests/unit/tap.h"

/* A task that runs its script, if it has one, and then does its work, if it has any. */
struct task {
	const char *script;
	bool works, jobserver, essential;
	int waits; /* so many times, before anything else */
	unsigned int timeout_s;
	bool fails; /* the task fails at the end */
	/* The results. */
	struct command cmd;
	struct outcome outcome;
	int steps;
	bool started, worked;
	bool ended;
};

static int running, most_running;
static int cancelled;

static enum task_step step(void *data, const struct outcome *last)
{
	struct task *t = data;

	if (t->steps == 0) {
		running++;
		if (running > most_running)
			most_running = running;
	}
	if (last) {
		t->outcome = *last;
		t->outcome.out = (struct str){0};
		t->outcome.err = (struct str){0};
		str_add_bytes(&t->outcome.out, last->out.data, last->out.len);
		str_add_bytes(&t->outcome.err, last->err.data, last->err.len);
	}
	t->steps++;
	if (t->waits > 0 && !cancelled) {
		t->waits--;
		return TASK_WAIT;
	}
	if (t->script && !t->started) {
		t->started = true;
		command_init(&t->cmd);
		strv_push_all(&t->cmd.argv,
			(const char *const[]){"/bin/sh", "-c", t->script, NULL});
		if (t->script[0] == '/')
			str_replace(&t->cmd.argv.items[0], t->script);
		t->cmd.timeout_s = t->timeout_s;
		t->cmd.uses_jobserver = t->jobserver;
		t->cmd.runs_when_cancelled = t->essential;
		return TASK_COMMAND;
	}
	if (t->works && !t->worked)
		return TASK_WORK;
	t->ended = true;
	running--;
	return t->fails ? TASK_FAILED : TASK_OK;
}

static const struct command *command(void *data)
{
	return &((struct task *)data)->cmd;
}

static void work(void *data)
{
	((struct task *)data)->worked = true;
}

static const struct task_ops ops = {step, command, work};

static void task_done(struct task *t)
{
	if (t->script)
		command_done(&t->cmd);
	outcome_done(&t->outcome);
}

static unsigned int take_all(struct slots *s)
{
	unsigned int n = 0;

	while (slots_take(s))
		n++;
	return n;
}

/* Runs tasks that do not depend on each other. */
static int run_tasks_beside(struct slots *slots, unsigned int n_extra, struct task *tasks,
	size_t n, bool catch_signals)
{
	struct runner_options options = {.slots = slots, .n_extra = n_extra};
	unsigned int total = slots->total;
	struct graph g = {0};
	uv_loop_t loop;

	running = most_running = cancelled = 0;
	if (catch_signals)
		options.cancelled = &cancelled;
	uv_loop_init(&loop);
	for (size_t i = 0; i < n; i++)
		graph_add_node(&g, &tasks[i], 0);
	runner_run(&loop, &g, &ops, &options);
	ok(graph_has_ended(&g), "all nodes have ended");
	ok(uv_loop_close(&loop) == 0, "the loop closes, no handle is left");
	is_int(slots->n_taken, 0, "all slots are given back");
	is_int(take_all(slots), total, "the number of slots is as before");
	slots_done(slots);
	graph_done(&g);
	return 0;
}

static int run_tasks_with(struct slots *slots, struct task *tasks, size_t n, bool catch_signals)
{
	return run_tasks_beside(slots, 0, tasks, n, catch_signals);
}

static int run_tasks(struct task *tasks, size_t n, unsigned int n_slots, bool catch_signals)
{
	struct slots slots;

	if (!ok(slots_init_pipe(&slots, n_slots) == 0, "slots"))
		return -1;
	return run_tasks_with(&slots, tasks, n, catch_signals);
}

static void test_commands(void)
{
	struct task tasks[] = {
		{.script = "echo out; echo err >&2; exit 3"},
		{.script = "kill -KILL $$"},
		{.script = "/nonexistent/program"},
		{.script = "head -c 3000000 /dev/zero"},
		{.script = "cat; echo end of input"},
		{.works = true},
		{.script = "true", .works = true},
	};

	is_int(run_tasks(tasks, ARRAY_SIZE(tasks), 3, false), 0, "run");
	is(tasks[0].outcome.out.data, "out\n", "captured output");
	is(tasks[0].outcome.err.data, "err\n", "captured error output");
	is_int(tasks[0].outcome.exit_status, 3, "exit status");
	is_int(tasks[1].outcome.signal, SIGKILL, "signal");
	is_int(tasks[2].outcome.error, -ENOENT, "a program that does not exist");
	ok(tasks[3].outcome.out.len <= COMMAND_CAPTURE_MAX && outcome_ok(&tasks[3].outcome),
		"output beyond the limit is dropped");
	is(tasks[4].outcome.out.data, "end of input\n", "standard input is empty");
	ok(tasks[5].worked && tasks[6].worked, "work runs in a thread");
	ok(most_running <= 3, "no more than 3 tasks at once: %d", most_running);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
}

/* The CPU time and memory of commands with children, some of which end at the same time.
 */
static void test_usage(void)
{
	static const char busy[] =
		"(i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done); times";
	struct task tasks[9] = {0};
	int wrong = 0, small = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i].script = i % 3 ? "exit 0" : busy;
	is_int(run_tasks(tasks, ARRAY_SIZE(tasks), 9, false), 0, "run");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		const struct outcome *o = &tasks[i].outcome;
		double min[4] = {0}, sec[4] = {0}, told = 0;

		/* Each line has the times of the shell and of its children, user and
		 * system. */
		if (tasks[i].script == busy && o->out.len)
			sscanf(o->out.data, "%lfm%lfs %lfm%lfs %lfm%lfs %lfm%lfs", &min[0], &sec[0],
				&min[1], &sec[1], &min[2], &sec[2], &min[3], &sec[3]);
		for (int t = 0; t < 4; t++)
			told += 60 * min[t] + sec[t];
		/* The process still ends after it has printed its times. */
		wrong += (double)o->cpu_ns / 1e9 < told - 0.021 ||
			 (double)o->cpu_ns / 1e9 > told + 0.05 ||
			 (tasks[i].script == busy && told < 0.01);
		small += o->max_rss_bytes < 100000;
		task_done(&tasks[i]);
	}
	is_int(wrong, 0, "the CPU time is that which the shells report");
	is_int(small, 0, "the memory of each task is known");
}

/* A task that only waits returns its slot, and takes one again when it goes on. */
static void test_wait(void)
{
	struct task tasks[] = {
		{.script = "echo late", .waits = 4, .works = true},
		{.script = "echo later", .waits = 5},
		{.script = "exit 7"},
		{.script = "sleep 0.1", .works = true},
		{.script = "/nonexistent/program", .waits = 1},
		{.waits = 2, .fails = true},
	};

	is_int(run_tasks(tasks, ARRAY_SIZE(tasks), 1, false), 0, "run");
	ok(most_running > 1, "with one slot, others run while tasks wait: %d at a time",
		most_running);
	is(tasks[0].outcome.out.data, "late\n", "the first waiting task");
	is(tasks[1].outcome.out.data, "later\n",
		"the second waiting task at the same time");
	ok(tasks[0].worked && tasks[3].worked, "waiting tasks go on to their work");
	is_int(tasks[2].outcome.exit_status, 7, "another task runs meanwhile");
	is_int(tasks[4].outcome.error, -ENOENT, "a missing program");
	ok(tasks[5].ended && !tasks[5].waits, "a task that only waits");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
}

/* Two tasks that wait for each other, with one slot and one additional task; then other
 * tasks. */
static void test_spare(void)
{
	char root[] = "/tmp/dkms-test-XXXXXX", first[100], second[100];
	struct task tasks[] = {
		{.script = first, .timeout_s = 60, .works = true},
		{.script = second, .timeout_s = 60},
		{.waits = 2},
		{.script = "exit 3", .jobserver = true},
		{.script = "exit 4"},
	};
	_cleanup_free_ char *a = NULL, *b = NULL;
	struct slots slots;

	if (!ok(mkdtemp(root) != NULL, "a directory"))
		return;
	a = path_join(root, "a");
	b = path_join(root, "b");
	ok(mkfifo(a, 0600) == 0 && mkfifo(b, 0600) == 0, "make pipes");
	snprintf(first, sizeof(first), "echo first > %s; cat %s", a, b);
	snprintf(second, sizeof(second), "cat %s; echo second > %s", a, b);
	slots_init_pipe(&slots, 1);
	is_int(run_tasks_beside(&slots, 1, tasks, ARRAY_SIZE(tasks), false), 0, "run");
	is(tasks[0].outcome.out.data, "second\n",
		"one additional task runs beside the one with the slot");
	is(tasks[1].outcome.out.data, "first\n", "the other task gets its answer");
	ok(tasks[0].worked, "both tasks go on");
	is_int(tasks[3].outcome.exit_status + tasks[4].outcome.exit_status, 7,
		"the other tasks run");
	ok(most_running <= 3, "never more than these two tasks and one that waits: %d",
		most_running);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
	dir_remove(root, NULL);
}

static void test_timeout(void)
{
	struct task tasks[] = {
		{.script = "sleep 60 & sleep 60", .timeout_s = 1},
		{.script = "trap '' TERM; while :; do sleep 1; done", .timeout_s = 1},
		{.script = "sleep 60 & echo started"},
	};

	is_int(run_tasks(tasks, ARRAY_SIZE(tasks), 3, false), 0, "run");
	ok(tasks[0].outcome.timed_out && tasks[0].outcome.elapsed_s < 30,
		"a task is ended at its time limit");
	ok(tasks[1].outcome.timed_out && tasks[1].outcome.signal == SIGKILL,
		"a task that ignores SIGTERM is killed");
	is(tasks[2].outcome.out.data, "started\n",
		"a task whose grandchild keeps the pipe open");
	ok(tasks[2].outcome.elapsed_s < 30, "the grandchild is not waited for");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
}

static void test_cancel(void)
{
	char script[64];
	struct task tasks[] = {
		{.script = "sleep 60 & sleep 60"},
		{.script = script},
		{.script = "echo started late"},
		{.script = "echo essential", .essential = true},
		{.waits = 1000000, .works = true},
	};

	snprintf(script, sizeof(script), "sleep 0.2; kill -INT %d; sleep 60", (int)getpid());
	is_int(run_tasks(tasks, ARRAY_SIZE(tasks), 2, true), 0, "run");
	is_int(cancelled, SIGINT, "cancelled by a signal");
	ok(tasks[0].outcome.cancelled && tasks[1].outcome.cancelled,
		"running commands are ended");
	ok(tasks[2].outcome.cancelled && tasks[2].outcome.out.len == 0,
		"no other command starts");
	ok(outcome_ok(&tasks[3].outcome), "essential tasks still run");
	ok(tasks[4].ended && tasks[4].waits > 0, "a waiting task is ended as well");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
}

/* Runs a shell command with two makes. Their makefile has six targets, and each target
 * records how many of them are running. Nine processes could run; there are three slots.
 */
static void test_jobserver(struct slots *slots)
{
	static const char makefile[] =
		"all: 1 2 3 4 5 6\n"
		"1 2 3 4 5 6:\n"
		"\t@mkdir running/$(PREFIX)$@; ls running | wc -l >> counts; sleep 0.1; "
		"rmdir running/$(PREFIX)$@\n";
	char root[] = "/tmp/dkms-test-XXXXXX";
	char script[512];
	struct task tasks[3] = {0};
	struct str counts = {0};
	_cleanup_free_ char *path = NULL, *counts_path = NULL;
	int most = 0, lines = 0;

	if (!ok(mkdtemp(root) != NULL, "a directory"))
		return;
	path = path_join(root, "Makefile");
	file_write(path, makefile, strlen(makefile), 0644, NULL);
	snprintf(script, sizeof(script),
		"cd %s; mkdir -p running; (make -s PREFIX=$$a; 'make' -s PREFIX=$$b) 2>&1", root);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		tasks[i] = (struct task){.script = script, .jobserver = true};
	is_int(run_tasks_with(slots, tasks, ARRAY_SIZE(tasks), false), 0, "run");
	counts_path = path_join(root, "counts");
	file_read(counts_path, 65536, &counts, NULL);
	for (char *line = strtok(counts.data, "\n"); line; line = strtok(NULL, "\n"), lines++)
		if (atoi(line) > most)
			most = atoi(line);
	is_int(lines, 36, "three tasks with two makes and six targets each");
	ok(most <= 3, "never more targets than slots: %d", most);
	ok(most > 1, "more than one target at once");
	is(tasks[0].outcome.out.data ? tasks[0].outcome.out.data : "", "",
		"make accepts the jobserver");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
	str_done(&counts);
	dir_remove(root, NULL);
}

/* Kills makes that hold tokens. The runner would notice if tokens were missing
 * afterwards. */
static void test_killed_makes(struct slots *slots)
{
	static const char makefile[] =
		"all: 1 2 3 4\n1 2 3 4:\n\t@echo >> started; sleep 60\n";
	char root[] = "/tmp/dkms-test-XXXXXX";
	char script[512];
	struct task tasks[] = {
		{.script = script, .jobserver = true, .timeout_s = 60},
		{.script = "sleep 0.1", .jobserver = true},
		{.script = "exec make -s -f /dev/null --eval 'all:; +@sleep 0.1'",
			.jobserver = true},
	};
	_cleanup_free_ char *path = NULL;

	if (!ok(mkdtemp(root) != NULL, "a directory"))
		return;
	path = path_join(root, "Makefile");
	file_write(path, makefile, strlen(makefile), 0644, NULL);
	/* When it is killed it has at least two targets, and so at least one token. */
	snprintf(script, sizeof(script),
		"cd %s; make -s & while [ $(cat started 2>/dev/null | wc -l) -lt 2 ]; do "
		"sleep 0.05; done; kill -9 $!; wait $!", root);
	is_int(run_tasks_with(slots, tasks, ARRAY_SIZE(tasks), false), 0, "run");
	is_int(tasks[0].outcome.exit_status, 128 + SIGKILL, "a make was killed");
	ok(outcome_ok(&tasks[2].outcome), "another make goes on");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_done(&tasks[i]);
	dir_remove(root, NULL);
}

/* Whether make is version 4.4 or later. */
static bool make_supports_fifo(void)
{
	return system("make --version | grep -qE '^GNU Make (4\\.([4-9]|[1-9][0-9])|[5-9])'") == 0;
}

static void test_forms(void)
{
	struct slots slots;

	slots_init_pipe(&slots, 3);
	test_jobserver(&slots);
	slots_init_pipe(&slots, 3);
	test_killed_makes(&slots);
	if (!make_supports_fifo())
		return;
	is_int(slots_init_fifo(&slots, 3), 0, "a named pipe");
	test_jobserver(&slots);
	is_int(slots_init_fifo(&slots, 3), 0, "a named pipe");
	test_killed_makes(&slots);
}

static void test_many(void)
{
	size_t n = 10000;
	struct task *tasks = xcalloc(n, sizeof(*tasks));
	size_t ended = 0;

	is_int(run_tasks(tasks, n, 4, false), 0, "10,000 tasks that end at once");
	for (size_t i = 0; i < n; i++)
		ended += tasks[i].ended;
	is_int((long)ended, (long)n, "each task has ended");
	free(tasks);
}

int main(void)
{
	test_commands();
	test_usage();
	test_wait();
	test_spare();
	test_timeout();
	test_cancel();
	test_forms();
	test_many();
	return done_testing();
}
