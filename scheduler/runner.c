/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a graph on a libuv loop. Callbacks note what happened and return; a run goes on
 * when its process has been reaped, its pipes are closed and no handle of it is left
 * open. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "scheduler/process.h"
#include "scheduler/runner.h"

#define KILL_AFTER_MS 2000  /* from SIGTERM to SIGKILL */
#define DRAIN_MS 500	    /* for output after exit, when grandchildren hold the pipe */
#define READ_BYTES 65536    /* what a pipe holds */

extern char **environ;

struct runner {
	uv_loop_t *loop;
	struct graph *graph;
	const struct task_ops *ops;
	const struct observer *observer;
	struct slots *slots;
	uv_poll_t slot_poll; /* active while a ready node or a run waits for a slot */
	uv_signal_t signals[3];
	uv_signal_t children; /* SIGCHLD */
	uv_timer_t kill_timer;
	struct run *runs; /* what is running, a list */
	size_t n_runs;
	unsigned int n_extra; /* how many more may run without a slot */
	int no_signal;	  /* what cancelled points to when nobody asks */
	int *cancelled;	  /* the signal, or 0 */
	char *buffer;	  /* READ_BYTES, for output between its read and on_read */
	bool filling;	  /* fill is at work: tasks that end at once do not recurse */
	bool closing;
};

/* What a run holds of the slots. */
enum hold {
	HOLDS_NOTHING, /* an idle command runs without */
	HOLDS_SLOT,
	HOLDS_EXTRA, /* one of those that run besides */
};

/* One running node. Its handles are used anew for each command. */
struct run {
	struct runner *runner;
	struct node *node;
	struct run *previous, *next;
	pid_t pid; /* of its process; 0: none is alive */
	uv_pipe_t pipes[2]; /* captured output and error */
	uv_timer_t timer;   /* the command's time limit, then the drain */
	uv_work_t work;
	unsigned int open;  /* handles of this run that have not been closed */
	enum hold hold;
	bool wants_slot;  /* to go on after one; its outcome is there */
	bool lends_slots; /* the command may take more */
	bool essential;
	struct outcome outcome;
	uint64_t started_ns;
};

static void advance(struct run *run, const struct outcome *last);
static void fill(struct runner *runner);

static void tell(struct runner *runner, enum run_event event, struct node *node)
{
	if (runner->observer)
		runner->observer->on_event(event, node, runner->observer->userdata);
}

static void on_blocked(struct node *node, void *userdata)
{
	tell(userdata, RUN_BLOCKED, node);
}

/* Processes: each leads a process group, which is signalled as a whole. */

static void signal_run(struct run *run, int signum)
{
	if (run->pid)
		kill(-run->pid, signum);
}

static enum hold take_hold(struct runner *runner)
{
	if (slots_take(runner->slots))
		return HOLDS_SLOT;
	if (!runner->n_extra)
		return HOLDS_NOTHING;
	runner->n_extra--;
	return HOLDS_EXTRA;
}

static bool take_slot(struct run *run)
{
	if (run->hold == HOLDS_NOTHING)
		run->hold = take_hold(run->runner);
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

/* The command has ended: on, if there is a slot; false when there is none. */
static bool go_on(struct run *run)
{
	struct outcome outcome = run->outcome;

	run->wants_slot = !take_slot(run) && !*run->runner->cancelled;
	if (run->wants_slot)
		return false;
	run->outcome = (struct outcome){0};
	advance(run, &outcome);
	outcome_done(&outcome);
	return true;
}

static void on_run_handle_closed(uv_handle_t *handle)
{
	struct run *run = handle->data;
	struct runner *runner = run->runner;

	if (--run->open)
		return;
	if (run->lends_slots)
		slots_reclaim_from_command(run->runner->slots);
	run->lends_slots = false;
	run->outcome.elapsed_s = (double)(uv_hrtime() - run->started_ns) / 1e9;
	go_on(run);
	fill(runner);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_run_handle_closed);
}

/* The timer goes last: with it the run has no handle left. */
static void close_timer_when_last(struct run *run)
{
	if (!run->pid && run->open == 1)
		close_handle((uv_handle_t *)&run->timer);
}

static void on_pipe_closed(uv_handle_t *handle)
{
	struct run *run = handle->data;

	run->open--;
	close_timer_when_last(run);
}

static void close_pipe(uv_pipe_t *pipe)
{
	if (!uv_is_closing((uv_handle_t *)pipe))
		uv_close((uv_handle_t *)pipe, on_pipe_closed);
}

static void on_drained(uv_timer_t *timer)
{
	struct run *run = timer->data;

	close_pipe(&run->pipes[0]);
	close_pipe(&run->pipes[1]);
}

static void look_at_process(struct run *run)
{
	if (!run->pid || !process_reap(run->pid, &run->outcome))
		return;
	run->pid = 0;
	run->outcome.cancelled = *run->runner->cancelled != 0 && !run->essential;
	uv_timer_start(&run->timer, on_drained, DRAIN_MS, 0);
	close_timer_when_last(run);
}

static void on_child(uv_signal_t *handle, int signum)
{
	struct runner *runner = handle->data;

	(void)signum; /* which may stand for several children */
	for (struct run *run = runner->runs; run; run = run->next)
		look_at_process(run);
}

static void on_timeout(uv_timer_t *timer)
{
	struct run *run = timer->data;

	signal_run(run, run->outcome.timed_out ? SIGKILL : SIGTERM);
	run->outcome.timed_out = true;
	uv_timer_start(timer, on_timeout, KILL_AFTER_MS, 0);
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

/* Makes a pipe whose read end is ours. */
static int open_pipe(uv_pipe_t *pipe, int *ret_write_fd)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_write_fd = fds[1];
	r = uv_pipe_open(pipe, fds[0]);
	if (r < 0)
		close(fds[0]);
	return r;
}

static int spawn(struct run *run, const struct command *cmd)
{
	struct slots *slots = run->runner->slots;
	_cleanup_(strv_done) struct strv env = {0};
	int ends[2] = {-1, -1}; /* of the pipes, the child's */
	struct process_setup setup = {
		.fds = {-1, cmd->log_fd, cmd->log_fd, slots->read_fd, slots->write_fd},
		.n_fds = cmd->uses_jobserver && !slots->fifo ? 5 : 3,
	};
	int r = 0;

	if (cmd->env.n)
		strv_extend(&env, &cmd->env);
	else
		strv_push_all(&env, (const char *const *)environ);
	if (cmd->uses_jobserver) {
		slots_set_makeflags(slots, &env);
		slots_lend_to_command(slots);
		run->lends_slots = true;
	}
	setup.env = env.items;
	for (int i = 0; i < 2 && r == 0 && cmd->log_fd < 0; i++) {
		r = open_pipe(&run->pipes[i], &ends[i]);
		setup.fds[1 + i] = ends[i];
	}
	if (r == 0)
		r = process_spawn(cmd, &setup, &run->pid);
	close_ptr(&ends[0]);
	close_ptr(&ends[1]);
	return r;
}

/* Starts the command; the run goes on in on_run_handle_closed, also when that fails. */
static void start_command(struct run *run, const struct command *cmd)
{
	uv_loop_t *loop = run->runner->loop;
	int r;

	if (*run->runner->cancelled && !cmd->runs_when_cancelled) {
		struct outcome cancelled = {.cancelled = true};

		advance(run, &cancelled);
		return;
	}
	run->essential = cmd->runs_when_cancelled;
	run->outcome = (struct outcome){0};
	run->started_ns = uv_hrtime();
	uv_timer_init(loop, &run->timer);
	uv_pipe_init(loop, &run->pipes[0], 0);
	uv_pipe_init(loop, &run->pipes[1], 0);
	run->timer.data = run->pipes[0].data = run->pipes[1].data = run;
	run->open = 3;

	r = spawn(run, cmd);
	if (r < 0)
		run->outcome.error = r;
	else if (cmd->timeout_s)
		uv_timer_start(&run->timer, on_timeout, 1000ull * cmd->timeout_s, 0);
	for (int i = 0; i < 2; i++)
		if (r < 0 || cmd->log_fd >= 0 ||
			uv_read_start((uv_stream_t *)&run->pipes[i], on_alloc, on_read) < 0)
			close_pipe(&run->pipes[i]);
	if (cmd->takes_no_slot) {
		give_slot(run);
		fill(run->runner);
	}
}

/* Work on a thread. */

static void on_work(uv_work_t *work)
{
	struct run *run = work->data;

	run->runner->ops->work(run->node->data);
}

static void on_work_done(uv_work_t *work, int status)
{
	(void)status; /* work in the queue is never cancelled */
	advance(work->data, NULL);
}

/* Nodes. */

static void finish(struct run *run, bool ok)
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

	/* Told before the nodes that it blocks are. */
	node->state = ok ? NODE_OK : NODE_FAILED;
	tell(runner, RUN_ENDED, node);
	graph_finish_node(runner->graph, node, ok, on_blocked, runner);
	fill(runner);
}

static void advance(struct run *run, const struct outcome *last)
{
	struct runner *runner = run->runner;

	switch (runner->ops->step(run->node->data, last)) {
	case TASK_COMMAND:
		tell(runner, RUN_STEPPED, run->node);
		start_command(run, runner->ops->command(run->node->data));
		break;
	case TASK_WORK:
		tell(runner, RUN_STEPPED, run->node);
		run->work.data = run;
		uv_queue_work(runner->loop, &run->work, on_work, on_work_done);
		break;
	case TASK_OK:
		finish(run, true);
		break;
	case TASK_FAILED:
		finish(run, false);
		break;
	}
}

static void close_runner(struct runner *runner)
{
	runner->closing = true;
	uv_close((uv_handle_t *)&runner->slot_poll, NULL);
	uv_close((uv_handle_t *)&runner->kill_timer, NULL);
	uv_close((uv_handle_t *)&runner->children, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(runner->signals); i++)
		uv_close((uv_handle_t *)&runner->signals[i], NULL);
}

static void on_slot(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_poll_stop(poll);
	fill(poll->data);
}

static struct run *find_waiting(const struct runner *runner)
{
	struct run *run = runner->runs;

	while (run && !run->wants_slot)
		run = run->next;
	return run;
}

/* False when there is no slot. */
static bool start_node(struct runner *runner)
{
	enum hold hold = take_hold(runner);
	struct run *run;

	if (hold == HOLDS_NOTHING)
		return false;
	run = xcalloc(1, sizeof(*run));
	run->runner = runner;
	run->hold = hold;
	run->node = graph_take_ready(runner->graph);
	run->next = runner->runs;
	if (run->next)
		run->next->previous = run;
	runner->runs = run;
	runner->n_runs++;
	tell(runner, RUN_STARTED, run->node);
	advance(run, NULL);
	return true;
}

/* Gives slots to what waits for one: runs, then nodes that are ready. */
static void fill(struct runner *runner)
{
	struct run *waiting;

	if (runner->filling)
		return;
	runner->filling = true;
	while ((waiting = find_waiting(runner)) || runner->graph->n_ready) {
		if (waiting ? go_on(waiting) : start_node(runner))
			continue;
		uv_poll_start(&runner->slot_poll, UV_READABLE, on_slot);
		break;
	}
	runner->filling = false;
	if (!runner->n_runs && !runner->closing)
		close_runner(runner);
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
	fill(runner); /* what waits for a slot ends without */
}

void runner_run(uv_loop_t *loop, struct graph *g, const struct task_ops *ops,
	const struct runner_options *options)
{
	static const int signums[] = {SIGINT, SIGTERM, SIGHUP};
	char buffer[READ_BYTES];
	struct runner runner = {
		.loop = loop,
		.graph = g,
		.ops = ops,
		.observer = options->observer,
		.slots = options->slots,
		.n_extra = options->n_extra,
		.buffer = buffer,
	};

	runner.cancelled = options->cancelled ? options->cancelled : &runner.no_signal;
	uv_poll_init(loop, &runner.slot_poll, runner.slots->fd);
	uv_timer_init(loop, &runner.kill_timer);
	uv_signal_init(loop, &runner.children);
	runner.slot_poll.data = runner.kill_timer.data = runner.children.data = &runner;
	uv_signal_start(&runner.children, on_child, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(signums); i++) {
		uv_signal_init(loop, &runner.signals[i]);
		runner.signals[i].data = &runner;
		if (options->cancelled)
			uv_signal_start(&runner.signals[i], on_signal, signums[i]);
	}
	graph_start(g, on_blocked, &runner);
	fill(&runner);
	uv_run(loop, UV_RUN_DEFAULT);
}

/* A single command is a graph of one node. */

struct single {
	const struct command *cmd;
	struct outcome *ret;
	bool started;
};

static enum task_step single_step(void *task, const struct outcome *last)
{
	struct single *single = task;

	if (!single->started) {
		single->started = true;
		return TASK_COMMAND;
	}
	*single->ret = *last;
	single->ret->out = (struct str){0};
	single->ret->err = (struct str){0};
	str_add_bytes(&single->ret->out, last->out.data, last->out.len);
	str_add_bytes(&single->ret->err, last->err.data, last->err.len);
	return TASK_OK;
}

static const struct command *single_command(void *task)
{
	return ((struct single *)task)->cmd;
}

int runner_run_command(uv_loop_t *loop, const struct command *cmd, struct outcome *ret)
{
	static const struct task_ops ops = {.step = single_step, .command = single_command};
	struct slots slots;
	struct runner_options options = {.slots = &slots};
	struct single single = {.cmd = cmd, .ret = ret};
	struct graph g = {0};
	int r;

	r = slots_init_pipe(&slots, 1);
	if (r == 0) {
		graph_add_node(&g, &single, 0);
		runner_run(loop, &g, &ops, &options);
		graph_done(&g);
	}
	slots_done(&slots);
	return r;
}
