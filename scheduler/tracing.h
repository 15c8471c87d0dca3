/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_TRACING_H
#define SCHEDULER_TRACING_H

#include <uv.h>

#include "builder/run/sandbox.h"
#include "builder/run/trace.h"
#include "scheduler/process.h"

/* Traces a running command (builder/run/trace.h) on a libuv loop. bwrap(1) and the shell
 * before the command say when the mounts of the sandbox are made; then they are marked
 * and the command is let go. */
struct tracing {
	struct trace *trace; /* NULL: the command is not traced */
	void *data;          /* for the caller's own use */
	int info_fd, ready_fd, go_fd; /* our ends of three pipes; -1: closed */
	int child_fds[SANDBOX_FDS];   /* those of the child, by number; -1: none */
	uv_poll_t ready;
	uv_timer_t timer; /* reads the record at intervals */
};

/* Makes what the command needs and puts the descriptors of the child into setup, in
 * addition to those that are there. Returns 0 or a negative errno. */
int tracing_open(
	struct tracing *t, struct trace *trace, struct process_setup *setup);
/* Starts tracing, when the command has been started. Two handles are open from then on,
 * with t as their data. */
void tracing_start(struct tracing *t, uv_loop_t *loop);
/* Closes what tracing_open() has made, if tracing_start() was not called. */
void tracing_cancel(struct tracing *t);
/* Reads the rest of the record, and closes the two handles: on_closed is called for
 * each. Is called when the command has ended. */
void tracing_stop(struct tracing *t, uv_close_cb on_closed);

#endif
