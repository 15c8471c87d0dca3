/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include <stdbool.h>

#include "base/strv.h"

/* The job slots of a run: tokens in a pipe, which is a GNU make jobserver (make manual,
 * "POSIX Jobserver Interaction"). Each running job holds one token; the makes below it
 * take more for what they do in parallel and put them back. */
struct slots {
	int read_fd, write_fd; /* inherited by makes; blocking, as they expect */
	int poll_fd;	       /* the read end once more, non-blocking, for ourselves */
	unsigned int total;
	unsigned int taken; /* by us */
};

/* File descriptors at which a command with the jobserver finds the two ends. */
#define SLOTS_CHILD_READ_FD 3
#define SLOTS_CHILD_WRITE_FD 4

/* Makes total slots (at least 1). 0 or a negative errno. slots_done frees. */
int slots_init(struct slots *s, unsigned int total);
void slots_done(struct slots *s);
/* Takes a slot: true, or false when none is free now. Makes may take the last one at
 * any time, so poll_fd being readable promises nothing. */
bool slots_take(struct slots *s);
void slots_give(struct slots *s);
/* Makes that were killed do not give back. Call while none runs: puts back what is
 * missing; returns how many. */
unsigned int slots_repair(struct slots *s);
/* Tells makes of the jobserver through MAKEFLAGS. */
void slots_environment(const struct slots *s, struct strv *env);
/* How many CPUs this process may use: affinity and cgroup quota; at least 1. */
unsigned int slots_default(void);

#endif
