/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a command traced while it runs? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "scheduler/tracing.h"

/* How often the record is read (ms). The kernel keeps 16384 events by default, and a core
 * of a busy machine makes some ten thousand of them in a second. */
#define READ_MS 20

/* Makes a pipe of which the child gets one end, as descriptor number. Returns our end, or
 * a negative errno. */
static int open_pipe(struct tracing *t, int number, bool child_writes)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	t->child_fds[number] = fds[child_writes];
	return fds[!child_writes];
}

int tracing_open(
	struct tracing *t, struct trace *trace, struct process_setup *setup)
{
	int r;

	t->trace = trace;
	for (size_t i = 0; i < SANDBOX_FDS; i++)
		t->child_fds[i] = -1;
	t->ready_fd = t->go_fd = -1;
	r = t->info_fd = open_pipe(t, SANDBOX_INFO_FD, true);
	if (r >= 0)
		r = t->ready_fd = open_pipe(t, SANDBOX_READY_FD, true);
	if (r >= 0)
		r = t->go_fd = open_pipe(t, SANDBOX_GO_FD, false);
	if (r >= 0 && fcntl(t->info_fd, F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		tracing_cancel(t);
		return r;
	}
	for (size_t i = SANDBOX_INFO_FD; i < SANDBOX_FDS; i++)
		process_set_fd(setup, i, t->child_fds[i]);
	return 0;
}

static void close_child_fds(struct tracing *t)
{
	for (size_t i = 0; i < SANDBOX_FDS; i++) {
		close_ptr(&t->child_fds[i]);
		t->child_fds[i] = -1;
	}
}

static void close_own_fds(struct tracing *t)
{
	close_ptr(&t->info_fd);
	close_ptr(&t->ready_fd);
	close_ptr(&t->go_fd);
	t->info_fd = t->ready_fd = t->go_fd = -1;
}

void tracing_cancel(struct tracing *t)
{
	t->trace = NULL;
	close_child_fds(t);
	close_own_fds(t);
}

/* Returns the PID of the sandbox's first process, which bwrap has written before it let
 * that process make the mounts; 0 if there is none. */
static pid_t read_pid(struct tracing *t)
{
	static const char name[] = "\"child-pid\":";
	char text[1024];
	ssize_t n = read(t->info_fd, text, sizeof(text) - 1);
	const char *found;

	text[n > 0 ? n : 0] = '\0';
	found = strstr(text, name);
	return found ? (pid_t)strtol(found + strlen(name), NULL, 10) : 0;
}

/* The sandbox has its mounts, or has ended without. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct tracing *t = poll->data;
	char c;
	pid_t pid;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	if (read(t->ready_fd, &c, 1) != 1)
		return;
	pid = read_pid(t);
	if (pid <= 0)
		trace_fail(t->trace, "bubblewrap does not tell the process of its sandbox");
	else
		trace_add_mounts(t->trace, pid);
	if (write(t->go_fd, "\n", 1) != 1)
		trace_fail(t->trace, "its sandbox could not be started");
}

static void on_timer(uv_timer_t *timer)
{
	struct tracing *t = timer->data;

	trace_read(t->trace);
}

void tracing_start(struct tracing *t, uv_loop_t *loop)
{
	close_child_fds(t);
	uv_poll_init(loop, &t->ready, t->ready_fd);
	uv_timer_init(loop, &t->timer);
	t->ready.data = t->timer.data = t;
	uv_poll_start(&t->ready, UV_READABLE, on_ready);
	uv_timer_start(&t->timer, on_timer, READ_MS, READ_MS);
}

void tracing_stop(struct tracing *t, uv_close_cb on_closed)
{
	trace_end_command(t->trace);
	uv_close((uv_handle_t *)&t->ready, on_closed);
	uv_close((uv_handle_t *)&t->timer, on_closed);
	close_own_fds(t);
}
