/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_COMMAND_H
#define BUILDER_RUN_COMMAND_H

#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"

/* A child process to run: what the builder asks for and the scheduler starts. The
 * child gets a session of its own, standard input from /dev/null, and nothing of ours
 * but what is named here. */
struct command {
	struct strv argv;
	struct strv env; /* the whole environment; empty: ours */
	char *cwd;	 /* NULL: ours */
	int log_fd;	 /* gets standard output and error, borrowed; -1: both captured */
	bool jobserver;	 /* runs make: pass it the run's job slots */
	bool idle;	 /* waits and does nothing: takes no job slot */
	bool essential;	 /* runs also when the run is being cancelled: depmod */
	unsigned int timeout_s; /* 0: none */
};

/* How it ended. */
struct outcome {
	int error;	  /* negative errno when it could not be started, else 0 */
	int exit_status;  /* of exit(), when signal is 0 */
	int signal;	  /* that ended it, or 0 */
	bool timed_out;
	bool cancelled;	  /* ended because the run is being cancelled */
	double elapsed_s;
	/* Of the command and of all below it that has ended and been waited for. */
	uint64_t cpu_ns;	/* user and system time */
	uint64_t max_rss_bytes; /* the largest resident set that one process had */
	struct str out;	  /* captured standard output, at most COMMAND_CAPTURE_MAX */
	struct str err;	  /* captured standard error, at most COMMAND_CAPTURE_MAX */
};

/* More than this from a captured stream is read and dropped (bytes). */
#define COMMAND_CAPTURE_MAX (1024 * 1024)

void command_init(struct command *c); /* empty, log_fd -1 */
void command_done(struct command *c);
void outcome_done(struct outcome *o);
/* True when it ran to its end and exited 0. */
bool outcome_ok(const struct outcome *o);
/* "exited 2", "killed by signal 9", "ran longer than 10 s", "could not be started:
 * No such file or directory"; caller frees. */
char *outcome_describe(const struct outcome *o, const struct command *c);
/* The command as a shell would take it; caller frees. */
char *command_line(const struct command *c);

#endif
