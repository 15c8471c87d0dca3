/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include <stdbool.h>

#include "base/strv.h"

/* The job slots of a run. Each running job holds one. The makes that it starts use further
 * slots for the processes that they run in parallel. They get them from a jobserver, as
 * GNU make's manual describes it in "POSIX Jobserver Interaction": a pipe with a token,
 * one byte, for each slot.
 *
 * Each command has a jobserver of its own, because a pipe that several builds share could
 * be filled, emptied or made non-blocking by one of them, and the makes of the others
 * would fail. dkms lends slots to a command by writing tokens to its pipe, and takes those
 * back that its makes have not taken. It cannot see whether a make waits for a token. So
 * slots that no job needs are lent to the commands whose pipes have the fewest tokens,
 * and slots_balance() moves tokens that lie in one pipe to a pipe that is empty.
 *
 * How many slots are lent to a command is dkms's own count. A build that writes more
 * tokens than it has taken deceives its own makes only.
 *
 * The slots are those of dkms or, then called outer, of the make that runs dkms. */
struct slots {
	int fd;		 /* with outer: its pipe, non-blocking; otherwise -1 */
	char *fifo_dir;	 /* the directory of named pipes; NULL: makes inherit pipes */
	unsigned int n_fifos; /* how many were made */
	bool outer;
	/* With outer: make has given dkms itself one slot, which needs no token, and no
	 * job uses it. */
	bool implicit_free;
	/* the number of slots; with outer N of -jN, or 0 if it is not known */
	unsigned int total;
	unsigned int n_taken; /* slots that jobs hold or that are lent to commands */
	/* With outer: the tokens that were read from its pipe, since each must be put
	 * back as it was. */
	char *tokens;
	size_t n_tokens, tokens_size; /* in bytes */
	unsigned long n_lends; /* how often a slot was lent */
	struct jobserver *servers; /* of the running commands, a list */
};

/* The jobserver of a command. */
struct jobserver {
	struct slots *slots;
	struct jobserver *next;
	/* The pipe, opened by dkms for itself, non-blocking; that is a property of the
	 * open file, which the command cannot change. */
	int fd;
	int read_fd, write_fd; /* the ends that makes inherit; -1 with fifo */
	char *fifo; /* the path under which makes open the pipe; NULL: they inherit it */
	unsigned int n_lent; /* slots that are lent to the command */
	unsigned long last_lent; /* slots.n_lends when the last one was lent */
	/* With outer: for so many calls of slots_balance() a token has lain in the pipe;
	 * the next one is lent after so many; and how many these were the last time. */
	unsigned int n_unused, n_pause, pause;
};

/* The descriptors that are the two ends of the pipe in a command with a jobserver. */
#define SLOTS_CHILD_READ_FD 3
#define SLOTS_CHILD_WRITE_FD 4

/* Makes total slots, at least 1, whose jobservers are pipes that makes inherit. Returns 0
 * or a negative errno. slots_done frees, after success and after failure. */
int slots_init_pipe(struct slots *s, unsigned int total);
/* As slots_init_pipe(), but with named pipes, which only make 4.4 and later support. Their
 * advantage: makes that a makefile calls without $(MAKE) can reach them, too. */
int slots_init_fifo(struct slots *s, unsigned int total);
/* Uses the slots of the make that runs dkms. makeflags is the value of MAKEFLAGS, or
 * NULL. Returns 1 if that works, 0 if there is no jobserver, and -ENOTCONN if there is
 * one that cannot be reached, because the rule of the makefile does not pass it on.
 * slots_done frees. */
int slots_join_make(struct slots *s, const char *makeflags);
/* Puts taken tokens back into an outer pipe, removes named pipes, and frees. */
void slots_done(struct slots *s);

/* Takes a slot, if need be one that is lent and not used. Returns false if none is free
 * now. */
bool slots_take(struct slots *s);
/* Gives one slot back that slots_take() has taken. */
void slots_give(struct slots *s);
/* Lends free slots, and moves unused tokens to pipes that are empty. Call it often while
 * commands with jobservers run. */
void slots_balance(struct slots *s);

/* Returns the path of the named pipe for the number-th command that calls make at the
 * same time as others; NULL if makes inherit pipes. The caller frees. */
char *slots_fifo_path(const struct slots *s, size_t number);
/* Makes a jobserver, for one command, with no token in its pipe. fifo is by
 * slots_fifo_path(); NULL if any path will do. Returns 0 or a negative errno. */
int jobserver_open(struct jobserver *js, struct slots *s, const char *fifo);
/* Sets MAKEFLAGS in env, so that makes use the jobserver. */
void jobserver_set_makeflags(const struct jobserver *js, struct strv *env);
/* Closes the ends of the pipe that the command has inherited. */
void jobserver_close_ends(struct jobserver *js);
/* Returns all lent slots, when the command and its children have ended, and frees. */
void jobserver_close(struct jobserver *js);

#endif
