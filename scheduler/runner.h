/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_RUNNER_H
#define SCHEDULER_RUNNER_H

#include <uv.h>

#include "builder/run/command.h"
#include "scheduler/graph.h"
#include "scheduler/slots.h"

/* Runs a graph on a libuv loop: starts ready nodes while there are free slots, runs the
 * commands and the work that they ask for, and reports events to an observer. What a node
 * does is defined by struct task_ops; node->data is the task. */

enum task_step {
	TASK_COMMAND, /* run the command that ops->command returns, then step again */
	TASK_WORK,    /* call ops->work on a worker thread, then step again */
	TASK_WAIT,    /* step again in a moment; the task holds no slot meanwhile */
	TASK_OK,      /* the task has succeeded */
	TASK_FAILED,  /* the task has failed; nodes that need this one are blocked */
};

struct task_ops {
	/* Starts a task or continues it. last says how the command that the task asked
	 * for has ended; it is NULL at the start and after work. Is called on the thread
	 * of the loop. */
	enum task_step (*step)(void *task, const struct outcome *last);
	/* Returns the command to run. It is borrowed until the next step. */
	const struct command *(*command)(void *task);
	/* Does the work, and stores the result in the task. Is called on a worker thread.
	 * May be NULL if no step returns TASK_WORK. */
	void (*work)(void *task);
};

enum run_event {
	RUN_STARTED, /* the node has started */
	RUN_STEPPED, /* the task has made a step, and runs a command or work now */
	RUN_ENDED,   /* the node has ended: NODE_OK or NODE_FAILED */
	RUN_BLOCKED, /* the node never runs, because node->blocker failed */
};

/* Is told of every event, on the thread of the loop. */
struct observer {
	void (*on_event)(enum run_event event, struct node *node, void *userdata);
	void *userdata;
};

struct runner_options {
	struct slots *slots; /* shared by the nodes and the makes that they start */
	/* The number of nodes that may run in addition to those that hold a slot: while
	 * one waits for a disk or for a process to start, another can run. */
	unsigned int n_extra;
	const struct observer *observer; /* may be NULL */
	/* If not NULL, SIGINT, SIGTERM, SIGHUP and SIGQUIT cancel the run: *cancelled is set to
	 * the number of the signal. Children get SIGTERM, except essential commands. Two
	 * seconds later they get SIGKILL; after a second signal all children get it.
	 * Commands that are not essential are not started any more, and their outcome is
	 * "cancelled". Nodes are still started; their tasks must look at *cancelled and
	 * end soon. */
	int *cancelled;
	/* Is called every second. May add a node to the graph, with edges to nodes that
	 * wait, and returns it: the node is started at once and needs no slot. Otherwise it
	 * returns NULL. May be NULL. */
	struct node *(*add_node)(void *userdata);
	void *userdata;
};

/* Ends the wait of a node whose task has returned TASK_WAIT, if it still waits. Called on the
 * thread of the loop while runner_run() runs. */
void runner_wake(uv_loop_t *loop, const struct node *node);
/* Runs the graph until every node has ended. Uses loop->data. */
void runner_run(uv_loop_t *loop, struct graph *g, const struct task_ops *ops,
	const struct runner_options *options);

#endif
