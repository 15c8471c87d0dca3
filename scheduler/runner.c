/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are the nodes of a graph run on a libuv loop? Callbacks only record what has
 * happened. A running node continues after a command when the process has been reaped and
 * all libuv handles of the node are closed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "scheduler/log-limit.h"
#include "scheduler/memory.h"
#include "scheduler/process.h"
#include "scheduler/runner.h"
#include "scheduler/tracing.h"
#include "scheduler/work-threads.h"

#define KILL_AFTER_MS 2000  /* from SIGTERM to SIGKILL */
/* How long to read the output of an exited command whose children may hold the pipe. */
#define DRAIN_MS 500
#define READ_BYTES 65536    /* the capacity of a pipe */

/* How long a task waits that asks for it: the first time, and at most (ms). */
#define WAIT_MS 10
#define WAIT_MAX_MS 250
#define LOG_CHECK_MS 20 /* how often the size of logs is looked at */
#define ADD_NODE_MS 1000 /* how often options->add_node is called */
#define BALANCE_MS 10 /* the time between two calls of slots_balance() */

extern char **environ;

struct runner {
	uv_loop_t *loop;
	struct graph *graph;
	const struct task_ops *ops;
	const struct runner_options *options;
	struct slots *slots;
	/* With slots of an outer make: active while a ready or a running node waits for a
	 * slot. */
	uv_poll_t slot_poll;
	uv_timer_t balance_timer; /* active while commands have jobservers */
	uv_timer_t log_timer; /* active while commands have limits for their logs */
	uv_signal_t signals[4]; /* SIGINT, SIGTERM, SIGHUP, SIGQUIT */
	uv_signal_t children; /* SIGCHLD */
	uv_timer_t add_timer; /* calls options->add_node */
	uv_timer_t kill_timer; /* from the first signal to SIGKILL */
	struct run *runs; /* the nodes that are running, a list */
	size_t n_runs;
	unsigned int n_extra; /* how many more nodes may run without a slot */
	/* always 0; cancelled points here if signals do not cancel the run */
	int no_signal;
	int *cancelled;	  /* the signal that has cancelled the run, or 0 */
	char *buffer;	  /* READ_BYTES, shared by all reads: on_read() copies at once */
	bool is_using_slots; /* use_free_slots() is running: keeps it from calling itself */
	bool is_closing;  /* every node has ended; the handles are being closed */
};

/* Which slot a running node holds. */
enum held_slot {
	HOLDS_NOTHING, /* the node waits for a slot or for a moment */
	HOLDS_SLOT,    /* a slot of runner->slots */
	HOLDS_EXTRA,   /* one of runner->n_extra */
	NEEDS_NO_SLOT, /* the node comes from options->add_node */
};

/* A running node. Its libuv handles are initialised again for each command. */
struct run {
	struct runner *runner;
	struct node *node;
	struct run *previous, *next; /* in runner->runs */
	pid_t pid; /* the process of the command; 0: none is running */
	uv_pipe_t pipes[2]; /* the captured standard output and standard error */
	uv_timer_t timer;   /* the time limit of the command, then DRAIN_MS */
	struct tracing tracing; /* of the command; without trace: it is not traced */
	uv_work_t work;
	unsigned int n_open; /* handles of this node that have not been closed */
	enum held_slot hold;
	bool waits_for_slot; /* the command has ended; the task continues with a slot */
	bool waits; /* the task has asked to wait; timer ends the wait */
	unsigned int wait_ms; /* how long the last wait took */
	int log_fd; /* of the command; -1: its output is captured */
	uint64_t log_max_bytes;
	struct jobserver jobserver; /* of the command, if has_jobserver is set */
	bool has_jobserver;
	bool essential;	     /* the command is essential: see struct command */
	struct outcome outcome; /* of the command */
	uint64_t started_ns;	/* when the command was started, by uv_hrtime() */
	uint64_t kills; /* memory_count_kills() then, if log_fd is set */
};

static void step_task(struct run *run, const struct outcome *last);
static void use_free_slots(struct runner *runner);
static void on_balance_timer(uv_timer_t *timer);

static void notify_observer(
	struct runner *runner, enum run_event event, struct node *node)
{
	const struct observer *observer = runner->options->observer;

	if (observer)
		observer->on_event(event, node, observer->userdata);
}

static void on_blocked(struct node *node, void *userdata)
{
	notify_observer(userdata, RUN_BLOCKED, node);
}

/* Sends a signal to the process group that the command of a node leads. */
static void signal_run(struct run *run, int signum)
{
	if (run->pid)
		kill(-run->pid, signum);
}

/* Takes a slot, or the right to run without one if no slot is free. */
static enum held_slot take_any_slot(struct runner *runner)
{
	if (slots_take(runner->slots))
		return HOLDS_SLOT;
	if (!runner->n_extra)
		return HOLDS_NOTHING;
	runner->n_extra--;
	return HOLDS_EXTRA;
}

/* Takes a slot for the node, unless it holds one. Returns false if none is free. */
static bool take_slot(struct run *run)
{
	if (run->hold == HOLDS_NOTHING)
		run->hold = take_any_slot(run->runner);
	return run->hold != HOLDS_NOTHING;
}

static void give_slot(struct run *run)
{
	if (run->hold == HOLDS_SLOT)
		slots_give(run->runner->slots);
	if (run->hold == HOLDS_EXTRA)
		run->runner->n_extra++;
	run->hold = HOLDS_NOTHING;
}

/* Continues the task after its command or its wait has ended. In a run that was not
 * cancelled this needs a slot; returns false if none is free. */
static bool continue_task(struct run *run)
{
	struct outcome outcome = run->outcome;
	bool waited = run->waits;

	run->waits_for_slot = !take_slot(run) && !*run->runner->cancelled;
	if (run->waits_for_slot)
		return false;
	run->waits = false;
	run->outcome = (struct outcome){0};
	step_task(run, waited ? NULL : &outcome);
	outcome_done(&outcome);
	return true;
}

static void on_run_handle_closed(uv_handle_t *handle)
{
	struct run *run = handle->data;
	struct runner *runner = run->runner;

	if (--run->n_open)
		return;
	if (run->has_jobserver)
		jobserver_close(&run->jobserver);
	run->has_jobserver = false;
	run->outcome.elapsed_s = (double)(uv_hrtime() - run->started_ns) / 1e9;
	continue_task(run);
	use_free_slots(runner);
}

/* Closes a handle of a node. The task continues when the last one is closed. */
static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_run_handle_closed);
}

/* Closes the timer when it is the last open handle and the process has been reaped. */
static void close_timer_when_last(struct run *run)
{
	if (!run->pid && run->n_open == 1)
		close_handle((uv_handle_t *)&run->timer);
}

static void on_pipe_closed(uv_handle_t *handle)
{
	struct run *run = handle->data;

	run->n_open--;
	close_timer_when_last(run);
}

static void close_pipe(uv_pipe_t *pipe)
{
	if (!uv_is_closing((uv_handle_t *)pipe))
		uv_close((uv_handle_t *)pipe, on_pipe_closed);
}

static void on_tracing_closed(uv_handle_t *handle)
{
	struct tracing *t = handle->data;
	struct run *run = t->data;

	run->n_open--;
	close_timer_when_last(run);
}

static void on_drain_timeout(uv_timer_t *timer)
{
	struct run *run = timer->data;

	close_pipe(&run->pipes[0]);
	close_pipe(&run->pipes[1]);
}

/* Notes whether the command has written too much to its log, or had no room. */
static void check_log(struct run *run)
{
	log_look(run->log_fd, run->log_max_bytes, &run->outcome);
}

/* Reaps the process of the command if it has ended. */
static void reap_if_ended(struct run *run)
{
	if (!run->pid || !process_reap(run->pid, &run->outcome))
		return;
	run->pid = 0;
	check_log(run);
	run->outcome.memory_low = run->log_fd >= 0 && memory_count_kills() != run->kills;
	if (run->outcome.log_full)
		log_cut(run->log_fd, run->log_max_bytes);
	run->outcome.cancelled = *run->runner->cancelled != 0 && !run->essential;
	if (run->tracing.trace)
		tracing_stop(&run->tracing, on_tracing_closed);
	uv_timer_start(&run->timer, on_drain_timeout, DRAIN_MS, 0);
	close_timer_when_last(run);
}

static void on_sigchld(uv_signal_t *handle, int signum)
{
	struct runner *runner = handle->data;

	(void)signum; /* one SIGCHLD may stand for several children, so all are checked */
	for (struct run *run = runner->runs; run; run = run->next)
		reap_if_ended(run);
}

static void on_timeout(uv_timer_t *timer)
{
	struct run *run = timer->data;

	signal_run(run, run->outcome.timed_out ? SIGKILL : SIGTERM);
	run->outcome.timed_out = true;
	uv_timer_start(timer, on_timeout, KILL_AFTER_MS, 0);
}

/* Kills commands that have written too much, and notes which have no room. */
static void on_log_timer(uv_timer_t *timer)
{
	struct runner *runner = timer->data;
	bool any = false;

	for (struct run *run = runner->runs; run; run = run->next) {
		if (!run->pid || run->log_fd < 0)
			continue;
		any = true;
		check_log(run);
		if (run->outcome.log_full)
			signal_run(run, SIGKILL);
	}
	if (!any)
		uv_timer_stop(timer);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct run *run = handle->data;

	(void)suggested;
	*buf = uv_buf_init(run->runner->buffer, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct run *run = stream->data;
	struct str *to = stream == (uv_stream_t *)&run->pipes[0] ? &run->outcome.out
								 : &run->outcome.err;

	if (n < 0)
		close_pipe((uv_pipe_t *)stream);
	else if (to->len + (size_t)n <= COMMAND_CAPTURE_MAX)
		str_add_bytes(to, buf->base, (size_t)n);
}

/* Starts the process of a command that is traced. Returns 0 or a negative errno. */
static int start_traced(
	struct run *run, const struct command *cmd, struct process_setup *setup)
{
	struct tracing *t = &run->tracing;
	int r = tracing_open(t, cmd->trace, setup);

	if (r < 0)
		return r;
	r = process_spawn(cmd, setup, &run->pid);
	if (r < 0) {
		tracing_cancel(t);
		return r;
	}
	t->data = run;
	tracing_start(t, run->runner->loop);
	run->n_open += 2;
	return 0;
}

/* Makes the jobserver of a command. Returns 0 or a negative errno. */
static int open_jobserver(struct run *run, const struct command *cmd,
	struct process_setup *setup, struct strv *env)
{
	struct jobserver *js = &run->jobserver;
	int r = jobserver_open(js, run->runner->slots, cmd->jobserver_fifo);

	if (r < 0)
		return r;
	run->has_jobserver = true;
	jobserver_set_makeflags(js, env);
	if (!js->fifo) {
		setup->fds[SLOTS_CHILD_READ_FD] = js->read_fd;
		setup->fds[SLOTS_CHILD_WRITE_FD] = js->write_fd;
		setup->n_fds = SLOTS_CHILD_WRITE_FD + 1;
	}
	uv_timer_start(
		&run->runner->balance_timer, on_balance_timer, BALANCE_MS, BALANCE_MS);
	return 0;
}

/* Starts the process of a command. Returns 0 or a negative errno. */
static int spawn_command(struct run *run, const struct command *cmd)
{
	_cleanup_(strv_done) struct strv env = {0};
	int ends[2] = {-1, -1}; /* the ends of the pipes that the child gets */
	struct process_setup setup = {
		.fds = {-1, cmd->log_fd, cmd->log_fd, -1, -1},
		.n_fds = 3,
	};
	int r = 0;

	if (cmd->env.n)
		strv_extend(&env, &cmd->env);
	else
		strv_push_all(&env, (const char *const *)environ);
	if (cmd->uses_jobserver)
		r = open_jobserver(run, cmd, &setup, &env);
	setup.env = env.items;
	for (size_t i = 0; i < cmd->n_fds; i++)
		process_set_fd(&setup, COMMAND_FIRST_FD + i, cmd->fds[i]);
	for (int i = 0; i < 2 && r == 0 && cmd->log_fd < 0; i++) {
		r = process_open_pipe(&run->pipes[i], &ends[i]);
		setup.fds[1 + i] = ends[i];
	}
	if (r == 0 && cmd->trace)
		r = start_traced(run, cmd, &setup);
	else if (r == 0)
		r = process_spawn(cmd, &setup, &run->pid);
	close_ptr(&ends[0]);
	close_ptr(&ends[1]);
	if (run->has_jobserver)
		jobserver_close_ends(&run->jobserver);
	return r;
}

/* Starts a command. The task continues in on_run_handle_closed(), even if the start
 * fails. */
static void start_command(struct run *run, const struct command *cmd)
{
	uv_loop_t *loop = run->runner->loop;
	int r;

	if (*run->runner->cancelled && !cmd->runs_when_cancelled) {
		struct outcome cancelled = {.cancelled = true};

		step_task(run, &cancelled);
		return;
	}
	run->essential = cmd->runs_when_cancelled;
	run->log_fd = cmd->log_fd;
	run->log_max_bytes = cmd->log_max_bytes;
	run->outcome = (struct outcome){0};
	run->tracing = (struct tracing){0};
	run->started_ns = uv_hrtime();
	run->kills = cmd->log_fd >= 0 ? memory_count_kills() : 0;
	uv_timer_init(loop, &run->timer);
	uv_pipe_init(loop, &run->pipes[0], 0);
	uv_pipe_init(loop, &run->pipes[1], 0);
	run->timer.data = run->pipes[0].data = run->pipes[1].data = run;
	run->n_open = 3;

	r = spawn_command(run, cmd);
	if (r < 0)
		run->outcome.error = r;
	else if (cmd->log_fd >= 0 && !uv_is_active((uv_handle_t *)&run->runner->log_timer))
		uv_timer_start(&run->runner->log_timer, on_log_timer, LOG_CHECK_MS,
			LOG_CHECK_MS);
	if (r == 0 && cmd->timeout_s)
		uv_timer_start(&run->timer, on_timeout, 1000ull * cmd->timeout_s, 0);
	for (int i = 0; i < 2; i++)
		if (r < 0 || cmd->log_fd >= 0 ||
			uv_read_start((uv_stream_t *)&run->pipes[i], on_alloc, on_read) < 0)
			close_pipe(&run->pipes[i]);
}

/* Runs on a worker thread. */
static void on_work(uv_work_t *work)
{
	struct run *run = work->data;

	run->runner->ops->work(run->node->data);
}

static void on_work_done(uv_work_t *work, int status)
{
	(void)status; /* always 0, since queued work is never cancelled */
	step_task(work->data, NULL);
}

/* Ends a node, and starts the nodes that can run now. */
static void end_run(struct run *run, bool ok)
{
	struct runner *runner = run->runner;
	struct node *node = run->node;

	if (run->previous)
		run->previous->next = run->next;
	else
		runner->runs = run->next;
	if (run->next)
		run->next->previous = run->previous;
	runner->n_runs--;
	give_slot(run);
	free(run);

	/* The observer must be told of this node before it is told of those that are
	 * blocked. */
	node->state = ok ? NODE_OK : NODE_FAILED;
	notify_observer(runner, RUN_ENDED, node);
	graph_finish_node(runner->graph, node, ok, on_blocked, runner);
	use_free_slots(runner);
}

static void queue_work(struct run *run)
{
	work_threads_start(run->runner->loop);
	run->work.data = run;
	uv_queue_work(run->runner->loop, &run->work, on_work, on_work_done);
}

static void on_wait_over(uv_timer_t *timer)
{
	close_handle((uv_handle_t *)timer);
}

/* Lets the task wait, longer each time. */
static void wait_a_moment(struct run *run)
{
	unsigned int longer = run->wait_ms ? 2 * run->wait_ms : WAIT_MS;

	run->wait_ms = longer < WAIT_MAX_MS ? longer : WAIT_MAX_MS;
	run->waits = true;
	run->n_open = 1;
	uv_timer_init(run->runner->loop, &run->timer);
	run->timer.data = run;
	uv_timer_start(&run->timer, on_wait_over, run->wait_ms, 0);
	give_slot(run);
	use_free_slots(run->runner);
}

/* Ends all waits. */
static void end_waits(struct runner *runner)
{
	for (struct run *run = runner->runs; run; run = run->next)
		if (run->waits && run->n_open)
			close_handle((uv_handle_t *)&run->timer);
}

void runner_wake(uv_loop_t *loop, const struct node *node)
{
	const struct runner *runner = loop->data;

	for (struct run *run = runner ? runner->runs : NULL; run; run = run->next)
		if (run->node == node && run->waits && run->n_open)
			close_handle((uv_handle_t *)&run->timer);
}

/* Calls the task's next step, and starts what the step asks for. */
static void step_task(struct run *run, const struct outcome *last)
{
	struct runner *runner = run->runner;

	switch (runner->ops->step(run->node->data, last)) {
	case TASK_COMMAND:
		run->wait_ms = 0;
		notify_observer(runner, RUN_STEPPED, run->node);
		start_command(run, runner->ops->command(run->node->data));
		break;
	case TASK_WORK:
		notify_observer(runner, RUN_STEPPED, run->node);
		queue_work(run);
		break;
	case TASK_WAIT:
		notify_observer(runner, RUN_STEPPED, run->node);
		wait_a_moment(run);
		break;
	case TASK_OK:
		end_run(run, true);
		break;
	case TASK_FAILED:
		end_run(run, false);
		break;
	}
}

static void close_runner(struct runner *runner)
{
	runner->is_closing = true;
	if (runner->slots->fd >= 0)
		uv_close((uv_handle_t *)&runner->slot_poll, NULL);
	uv_close((uv_handle_t *)&runner->balance_timer, NULL);
	uv_close((uv_handle_t *)&runner->log_timer, NULL);
	uv_close((uv_handle_t *)&runner->add_timer, NULL);
	uv_close((uv_handle_t *)&runner->kill_timer, NULL);
	uv_close((uv_handle_t *)&runner->children, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(runner->signals); i++)
		uv_close((uv_handle_t *)&runner->signals[i], NULL);
}

static void on_slot_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_poll_stop(poll);
	use_free_slots(poll->data);
}

/* Returns a running node that waits for a slot, or NULL. */
static struct run *find_waiting_run(const struct runner *runner)
{
	struct run *run = runner->runs;

	while (run && !run->waits_for_slot)
		run = run->next;
	return run;
}

static void start_node(struct runner *runner, struct node *node, enum held_slot hold)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->runner = runner;
	run->hold = hold;
	run->node = node;
	run->next = runner->runs;
	if (run->next)
		run->next->previous = run;
	runner->runs = run;
	runner->n_runs++;
	notify_observer(runner, RUN_STARTED, node);
	step_task(run, NULL);
}

/* Starts the ready node with the highest priority. Returns false if there is no free
 * slot. */
static bool start_ready_node(struct runner *runner)
{
	enum held_slot hold = take_any_slot(runner);

	if (hold == HOLDS_NOTHING)
		return false;
	start_node(runner, graph_take_ready(runner->graph), hold);
	return true;
}

static void on_add_timer(uv_timer_t *timer)
{
	struct runner *runner = timer->data;
	struct node *node = runner->options->add_node(runner->options->userdata);

	if (!node)
		return;
	node->state = NODE_RUNNING;
	start_node(runner, node, NEEDS_NO_SLOT);
}

/* Gives free slots to running nodes that wait for one, then to ready nodes. If nodes
 * still wait, this is called again when a slot is given back, when the pipe of an outer
 * make is readable, and by on_balance_timer(), because a command may have put a token
 * back. If none waits, lends the free slots to commands. Closes the handles when every
 * node has ended. */
static void use_free_slots(struct runner *runner)
{
	struct run *waiting;

	if (runner->is_using_slots)
		return;
	runner->is_using_slots = true;
	while ((waiting = find_waiting_run(runner)) || runner->graph->n_ready) {
		if (waiting ? continue_task(waiting) : start_ready_node(runner))
			continue;
		if (runner->slots->fd >= 0)
			uv_poll_start(&runner->slot_poll, UV_READABLE, on_slot_readable);
		break;
	}
	if (!waiting && !runner->graph->n_ready && runner->slots->servers)
		slots_balance(runner->slots);
	runner->is_using_slots = false;
	if (!runner->n_runs && !runner->is_closing)
		close_runner(runner);
}

static void on_balance_timer(uv_timer_t *timer)
{
	struct runner *runner = timer->data;

	if (!runner->slots->servers)
		uv_timer_stop(timer);
	use_free_slots(runner);
}

static void signal_all(struct runner *runner, int signum, bool essential_too)
{
	for (struct run *run = runner->runs; run; run = run->next)
		if (essential_too || !run->essential)
			signal_run(run, signum);
}

static void on_kill_timer(uv_timer_t *timer)
{
	signal_all(timer->data, SIGKILL, false);
}

/* Handles SIGINT, SIGTERM, SIGHUP and SIGQUIT: see struct runner_options. */
static void on_signal(uv_signal_t *handle, int signum)
{
	struct runner *runner = handle->data;
	bool again = *runner->cancelled != 0;

	*runner->cancelled = signum;
	if (again) {
		signal_all(runner, SIGKILL, true);
	} else {
		signal_all(runner, SIGTERM, false);
		uv_timer_start(&runner->kill_timer, on_kill_timer, KILL_AFTER_MS, 0);
	}
	end_waits(runner);
	use_free_slots(runner); /* in a cancelled run tasks continue without a slot */
}

void runner_run(uv_loop_t *loop, struct graph *g, const struct task_ops *ops,
	const struct runner_options *options)
{
	static const int signums[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	char buffer[READ_BYTES];
	struct runner runner = {
		.loop = loop,
		.graph = g,
		.ops = ops,
		.options = options,
		.slots = options->slots,
		.n_extra = options->n_extra,
		.buffer = buffer,
	};

	runner.cancelled = options->cancelled ? options->cancelled : &runner.no_signal;
	if (runner.slots->fd >= 0)
		uv_poll_init(loop, &runner.slot_poll, runner.slots->fd);
	uv_timer_init(loop, &runner.balance_timer);
	uv_timer_init(loop, &runner.log_timer);
	uv_timer_init(loop, &runner.add_timer);
	uv_timer_init(loop, &runner.kill_timer);
	uv_signal_init(loop, &runner.children);
	runner.slot_poll.data = runner.balance_timer.data = runner.log_timer.data =
		runner.add_timer.data = runner.kill_timer.data = runner.children.data = &runner;
	uv_signal_start(&runner.children, on_sigchld, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(signums); i++) {
		uv_signal_init(loop, &runner.signals[i]);
		runner.signals[i].data = &runner;
		if (options->cancelled)
			uv_signal_start(&runner.signals[i], on_signal, signums[i]);
	}
	if (options->add_node)
		uv_timer_start(&runner.add_timer, on_add_timer, ADD_NODE_MS, ADD_NODE_MS);
	loop->data = &runner;
	graph_start(g, on_blocked, &runner);
	use_free_slots(&runner);
	uv_run(loop, UV_RUN_DEFAULT);
	loop->data = NULL;
}
