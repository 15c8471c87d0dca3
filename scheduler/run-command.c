/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does dkms run one command and wait for it? With a graph of one node. */
#include "config.h"

#include <signal.h>

#include "scheduler/run-command.h"
#include "scheduler/runner.h"

/* The task of the node. */
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
	int cancelled = 0;
	struct runner_options options = {.slots = &slots, .cancelled = &cancelled};
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
	if (cancelled) {
		fflush(stdout);
		signal(cancelled, SIG_DFL);
		raise(cancelled);
	}
	return r;
}
