/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_COMMAND_H
#define BUILDER_RUN_COMMAND_H

#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"

struct trace;

/* The first descriptor and the largest number of those that a command brings itself. */
#define COMMAND_FIRST_FD 10
#define COMMAND_FDS 16

/* A child process to run. The builder fills it in and the scheduler starts it. The child
 * is in a session of its own, reads standard input from /dev/null, and inherits nothing
 * but what is named here. */
struct command {
	struct strv argv;
	struct strv env; /* the whole environment; empty: that of dkms */
	char *cwd;       /* working directory; NULL: that of dkms */
	int log_fd; /* gets standard output and error, borrowed; -1: both are captured */
	bool uses_jobserver;      /* runs make, which gets job slots of this run */
	/* the path of the named pipe that the command gets job slots from, borrowed; NULL:
	 * the command shows none */
	const char *jobserver_fifo;
	bool runs_when_cancelled; /* is neither skipped nor ended by cancelling */
	unsigned int timeout_s;   /* 0: no limit */
	uint64_t log_max_bytes;   /* of the file log_fd; 0: no limit */
	/* Gets what the command opens, borrowed; NULL: nothing is recorded. The command
	 * must be one that sandbox_wrap_command() has changed with this member set. */
	struct trace *trace;
	/* The filter of system calls that it and its children are under, and no_new_privs with
	 * it, as seccomp_get_filter() makes it; borrowed. NULL: none, or bwrap(1) sets it. */
	const struct str *filter;
	/* Descriptors that become COMMAND_FIRST_FD and so on in the child. command_done()
	 * closes them. */
	int fds[COMMAND_FDS];
	size_t n_fds;
	/* Descriptors that dkms keeps open until command_done(), which closes them. The
	 * child does not get them. */
	int *kept;
	size_t n_kept;
};

/* How a command ended. */
struct outcome {
	int error;       /* negative errno if it could not be started, else 0 */
	int exit_status; /* its argument to exit(), if signal is 0 */
	int signal;      /* the signal that ended it, or 0 */
	bool timed_out;
	bool log_full; /* ended, because the log has reached log_max_bytes */
	bool disk_full; /* meanwhile the file system of log_fd was full, perhaps for a moment */
	/* Meanwhile that had so little room that it may have been full for a moment, or the kernel
	 * has ended a process for lack of memory. Only set if log_fd is. */
	bool disk_low, memory_low;
	bool cancelled; /* ended, or not started, because the run is cancelled */
	double elapsed_s;
	/* Of the command and of all its descendants that ended and were waited for. */
	uint64_t cpu_ns;        /* user and system time */
	uint64_t max_rss_bytes; /* the largest resident set size of any one process */
	struct str out;         /* captured output, at most COMMAND_CAPTURE_MAX */
	struct str err;         /* captured standard error, the same */
};

/* Bytes kept of each captured stream; what follows is read and dropped. */
#define COMMAND_CAPTURE_MAX (1024 * 1024)

/* Makes c empty, with log_fd -1. */
void command_init(struct command *c);
/* Frees what is in c and makes it empty. */
void command_done(struct command *c);
/* Frees what is in o and zeroes it. */
void outcome_done(struct outcome *o);
/* Returns whether the command ran to its end and exited 0. */
bool outcome_ok(const struct outcome *o);
/* Returns a predicate for messages: "exited 2", "was killed by signal 9", "ran longer
 * than 10 s", "could not be started: No such file or directory". The caller frees it. */
char *outcome_describe(const struct outcome *o, const struct command *c);
/* Returns argv as a line that a shell would read as the same words. The caller frees
 * it. */
char *command_line(const struct command *c);

#endif
