/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include <stdbool.h>

#include "base/strv.h"

/* The job slots of a run. A slot is a token, which is one byte in a pipe; the pipe is a
 * jobserver as GNU make's manual describes it in "POSIX Jobserver Interaction". Each
 * running job holds one token. The makes that it starts take further tokens for the
 * processes that they run in parallel, and put them back. The pipe belongs to dkms, or to
 * the make that runs dkms: then it is called outer. */
struct slots {
	int fd;		       /* the pipe, opened by dkms for itself, non-blocking */
	int read_fd, write_fd; /* the ends that makes inherit; -1 with fifo */
	/* the path under which makes open the pipe; NULL: they inherit its ends */
	char *fifo;
	bool outer;	       /* the pipe belongs to the make that runs dkms */
	/* With outer: make has given dkms itself one slot, which needs no token, and no
	 * job uses it. */
	bool implicit_free;
	/* the number of slots; with outer N of -jN, or 0 if it is not known */
	unsigned int total;
	unsigned int n_taken; /* slots that jobs of this process hold */
	/* The tokens that were read from the pipe, since each must be put back as it
	 * was. */
	char *tokens;
	size_t n_tokens, tokens_size; /* in bytes */
	unsigned int n_commands; /* running commands that may take tokens */
};

/* The descriptors that are the two ends of the pipe in a command with the jobserver. */
#define SLOTS_CHILD_READ_FD 3
#define SLOTS_CHILD_WRITE_FD 4

/* Makes a pipe with total slots, at least 1, which makes inherit. Returns 0 or a negative
 * errno. slots_done frees, after success and after failure. */
int slots_init_pipe(struct slots *s, unsigned int total);
/* As slots_init_pipe(), but with a named pipe, which only make 4.4 and later support. Its
 * advantage: makes that a makefile calls without $(MAKE) can reach it, too. */
int slots_init_fifo(struct slots *s, unsigned int total);
/* Uses the jobserver of the make that runs dkms. makeflags is the value of MAKEFLAGS, or
 * NULL. Returns 1 if that works, 0 if there is no jobserver, and -ENOTCONN if there is
 * one that cannot be reached, because the rule of the makefile does not pass it on.
 * slots_done frees. */
int slots_join_make(struct slots *s, const char *makeflags);
/* Puts taken tokens back into an outer pipe, removes a named pipe, and frees. */
void slots_done(struct slots *s);

/* Takes a slot. Returns false if none is free now. This may happen even when fd is
 * readable, since a make may take the last token at any time. */
bool slots_take(struct slots *s);
/* Puts one slot back that slots_take() has taken. */
void slots_give(struct slots *s);

/* Notes that a command starts which may take tokens. */
void slots_lend_to_command(struct slots *s);
/* Notes that such a command has ended. If no other one is running, replaces the tokens
 * that killed makes have not put back, and returns how many these were. Returns 0 for an
 * outer jobserver, because it is not known how many of its tokens others hold. */
unsigned int slots_reclaim_from_command(struct slots *s);

/* Sets MAKEFLAGS in env, so that makes use the jobserver. */
void slots_set_makeflags(const struct slots *s, struct strv *env);

#endif
