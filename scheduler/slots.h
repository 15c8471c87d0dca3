/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include <stdbool.h>

#include "base/strv.h"

/* The job slots of a run: tokens in a pipe, which is a GNU make jobserver (make manual,
 * "POSIX Jobserver Interaction"). Each running job holds one token; the makes below it
 * take more for what they do in parallel and put them back. The pipe is ours, or that of a
 * make above us. */
struct slots {
	int fd;		       /* the pipe, read and written without blocking; our own */
	int read_fd, write_fd; /* its ends for makes, which may block; -1 with fifo */
	char *fifo;	       /* makes open it under this name; NULL: they inherit the ends */
	bool outer;	       /* it is that of a make above us */
	bool implicit;	       /* outer: the slot that the make above runs us in is free */
	unsigned int total;    /* outer: of the make's -jN, or 0 when it is not known */
	unsigned int taken;    /* by us */
	char *tokens;	       /* those taken out of the pipe, to be put back as they were */
	size_t n_tokens, room;
	unsigned int n_makes;  /* commands that run with the jobserver */
};

/* File descriptors at which a command with the jobserver finds the two ends. */
#define SLOTS_CHILD_READ_FD 3
#define SLOTS_CHILD_WRITE_FD 4

/* Makes total slots (at least 1) in a pipe that makes inherit. 0 or a negative errno.
 * slots_done frees, after success and after failure. */
int slots_init_pipe(struct slots *s, unsigned int total);
/* The same in a pipe with a name, which only make 4.4 and later understand; but then it is
 * within reach of the makes that a makefile calls without $(MAKE), too. */
int slots_init_fifo(struct slots *s, unsigned int total);
/* Takes part in the jobserver of the make that runs us, as its MAKEFLAGS say. 1 when it
 * does, 0 when there is none, -ENOTCONN when there is one that cannot be reached: the
 * make's rule does not pass it on. */
int slots_join_make(struct slots *s, const char *makeflags);
/* What we have taken goes back. */
void slots_done(struct slots *s);

/* Takes a slot: true, or false when none is free now. Makes may take the last one at
 * any time, so fd being readable promises nothing. */
bool slots_take(struct slots *s);
void slots_give(struct slots *s);

/* A command that has the jobserver begins. */
void slots_lend_to_command(struct slots *s);
/* It has ended. When it was the last one, what makes that were killed have not put back is
 * made good; returns how many those were. What others hold of an outer jobserver is not
 * known. */
unsigned int slots_reclaim_from_command(struct slots *s);

/* Tells makes of the jobserver through MAKEFLAGS. */
void slots_set_makeflags(const struct slots *s, struct strv *env);

#endif
