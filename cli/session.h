/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "scheduler/plan.h"
#include "cli/arguments.h"
#include "cli/report.h"

/* One run of a command that has a plan of jobs, from its arguments to its exit status. */
struct session {
	struct arguments *args;
	const struct settings *settings;
	struct cache *cache; /* NULL: not opened, or not used */
	uv_loop_t loop;
	struct plan plan;
	struct report report;
	struct events events;
	struct display *display;   /* NULL: no live display */
	struct heartbeat *heartbeat; /* NULL: there is a display, or nothing is said */
	struct eventlog *eventlog; /* NULL: no --events */
	struct trace *trace;	   /* NULL: no --trace */
	struct shard *shard;	   /* cli/matrix-plan.h; NULL: no --plan */
	struct kernel **kernels;   /* the kernels to act on; the plan owns each of them */
	size_t n_kernels;
	struct error error; /* what stopped the whole run, or empty */
};

/* Checks the arguments and chooses the kernels. removes says that --all means every kernel the
 * module is built for, instead of every kernel with headers. Returns 0, or a negative errno
 * with s->error set; the caller calls session_done() in both cases. */
int session_init(struct session *s, struct arguments *args, bool removes);

/* Ends a command: prints s->error if it is set, closes the outputs, and frees. Returns the exit
 * status, which is that of s->error or else status. After a signal cancelled the run, the
 * process ends by that signal. */
int session_done(struct session *s, int status);

/* Opens the cache, unless it is disabled, and makes the plan use it. To be called before jobs
 * that build are run. A cache that cannot be opened is only a warning. */
void session_open_cache(struct session *s);

/* Runs the jobs that install, which must be in the plan already, then the rebuilds that
 * BUILD_DEPENDS_REBUILD asks for, and depmod for each kernel. Returns 0, or a negative errno
 * with s->error set. */
int session_run_installs(struct session *s);

/* Returns whether a failure of the job counts for the exit status: not if the command obeys
 * on_failure, and that is warn. */
bool session_counts(const struct session *s, const struct job *job);
/* Returns the exit status that follows from the jobs: that of the first one that failed and
 * counts; else that of the first one blocked; 77 if every job that builds was excluded; else
 * 0. */
int session_exit_status(const struct session *s);

#endif
