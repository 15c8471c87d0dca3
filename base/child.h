/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <sys/types.h>

#include "base/strv.h"

/* Starts a program whose output the calling thread wants to read: a child process that
 * leads a session of its own, with no signal blocked or ignored, with /dev/null as standard
 * input and standard error and the descriptor output as standard output. program is found
 * in $PATH if it has no slash; argv and env are all its arguments and its whole
 * environment. Returns 0 and its PID, or a negative errno. */
int child_start(const char *program, const struct strv *argv, const struct strv *env,
	int output, pid_t *ret);

#endif
