/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PROCESS_H
#define SCHEDULER_PROCESS_H

#include <sys/types.h>

#include "builder/run/command.h"

/* Child processes. uv_spawn would reap them itself, and with that lose what they used. */

#define PROCESS_FDS 5

/* What a child gets besides the command's argv and cwd. */
struct process_setup {
	char *const *env;
	int fds[PROCESS_FDS]; /* that become 0, 1, 2, ... in it; -1: /dev/null */
	size_t n_fds;
};

/* Starts the command as the leader of a session of its own, with no signal blocked or
 * ignored. Returns 0 and its PID, or a negative errno: -ENOENT when there is no such
 * program. */
int process_spawn(const struct command *cmd, const struct process_setup *setup,
	pid_t *ret_pid);

/* Whether a child has ended. If so, kills what is left of its process group, reaps it and
 * fills in the outcome how it ended and what it used. */
bool process_reap(pid_t pid, struct outcome *ret);

#endif
