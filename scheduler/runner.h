/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_RUNNER_H
#define SCHEDULER_RUNNER_H

#include <uv.h>

#include "builder/run/command.h"
#include "scheduler/graph.h"
#include "scheduler/slots.h"

/* Runs a graph on a libuv loop: starts nodes while there are slots, runs the commands
 * and the work that they ask for, and tells an observer. What a node does is behind
 * task_ops; node->data is the task. */

enum task_step {
	TASK_COMMAND, /* run the command that ops->command gives, then step again */
	TASK_WORK,    /* call ops->work on a worker thread, then step again */
	TASK_OK,      /* the end */
	TASK_FAILED,  /* the end; nodes that need this one are blocked */
};

struct task_ops {
	/* Begins a task or goes on with it; last is how the command it asked for ended,
	 * or NULL. On the loop's thread. */
	enum task_step (*step)(void *task, const struct outcome *last);
	/* Borrowed until the next step. */
	const struct command *(*command)(void *task);
	/* On a worker thread; what it finds out it leaves in the task. */
	void (*work)(void *task);
};

enum run_event {
	RUN_STARTED,
	RUN_STEPPED, /* a step was made and there are more */
	RUN_ENDED,   /* node->state says how */
	RUN_BLOCKED, /* never ran: node->blocker failed */
};

struct observer {
	void (*on_event)(enum run_event event, struct node *node, void *userdata);
	void *userdata;
};

struct runner_options {
	struct slots *slots;	       /* that jobs and their makes share */
	/* Nodes that may run besides those that have a slot: what one of them waits for,
	 * a disk or a process that begins, is time for another. */
	unsigned int n_extra;
	const struct observer *observer; /* may be NULL */
	/* Not NULL: SIGINT, SIGTERM and SIGHUP cancel the run and set *cancelled to their
	 * number. Children get SIGTERM, two seconds later or at a second signal SIGKILL;
	 * commands that are not essential are not started any more and end as cancelled.
	 * Nodes still run: it is for the tasks to see *cancelled and end soon. */
	int *cancelled;
};

/* Runs until every node has ended. */
void runner_run(uv_loop_t *loop, struct graph *g, const struct task_ops *ops,
	const struct runner_options *options);

/* Runs one command and waits for it. 0, or a negative errno when it could not begin.
 * outcome_done frees. */
int runner_run_command(uv_loop_t *loop, const struct command *cmd, struct outcome *ret);

#endif
