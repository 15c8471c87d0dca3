/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PROCESS_H
#define SCHEDULER_PROCESS_H

#include <sys/types.h>
#include <uv.h>

#include "builder/run/command.h"

/* Starts and reaps child processes. uv_spawn() is not used, because libuv would reap a
 * child itself, and its CPU time and memory use would be lost. */

/* The largest number of descriptors that a child can get. */
#define PROCESS_FDS (COMMAND_FIRST_FD + COMMAND_FDS)
#define PROCESS_CLOSED (-2) /* for process_setup.fds */

/* What a child gets in addition to the arguments and the working directory of its
 * command. */
struct process_setup {
	char *const *env; /* borrowed */
	/* The descriptors that become 0, 1, 2, ... in the child; -1: /dev/null;
	 * PROCESS_CLOSED: there is none. They are borrowed. The first n_fds are set. */
	int fds[PROCESS_FDS];
	size_t n_fds;
};

/* Sets fds[number], and those before it that are not set to PROCESS_CLOSED. */
void process_set_fd(struct process_setup *setup, size_t number, int fd);

/* Starts the command as the leader of a new session, with no signal blocked or ignored.
 * Returns 0 and its PID, or a negative errno: -ENOENT if there is no such program. */
int process_spawn(const struct command *cmd, const struct process_setup *setup,
	pid_t *ret_pid);

/* Returns whether a child has ended. If it has, kills the rest of its process group,
 * reaps the child and sets the exit status or signal, the CPU time and the memory use in
 * the outcome. */
bool process_reap(pid_t pid, struct outcome *ret);

/* Makes a pipe, and opens its read end as a libuv handle. Returns 0 and the write end,
 * which the caller closes; or a negative errno. */
int process_open_pipe(uv_pipe_t *pipe, int *ret_write_fd);

#endif
