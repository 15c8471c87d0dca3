/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "scheduler/plan.h"
#include "cli/arguments.h"
#include "cli/eventlog.h"
#include "cli/report.h"
#include "cli/trace.h"

/* One run of a command: from its arguments to its exit status. */
struct session {
	struct arguments *args;
	const struct settings *settings;
	struct cache *cache; /* NULL: none */
	uv_loop_t loop;
	struct plan plan;
	struct report report;
	struct events events;
	struct display *display;   /* NULL: there is no terminal */
	struct eventlog *eventlog; /* NULL: nobody asks for it; so the next */
	struct trace *trace;
	struct kernel **kernels; /* those that the arguments name */
	size_t n_kernels;
	struct error error;
};

/* Checks the arguments and finds the kernels. 0 or a negative errno with s->error set;
 * session_done in both cases. removes: --all is what the module is built for. */
int session_init(struct session *s, struct arguments *args, bool removes);

/* Ends a command: prints what stopped it, if anything did, frees, and returns status or
 * the error's. A run that a signal cancelled ends by that signal. */
int session_done(struct session *s, int status);

/* To be called before jobs that build are run: opens the cache. */
void session_open_cache(struct session *s);

/* Runs jobs that install, which the plan has been given: then the rebuilds that follow from
 * them, and depmod for each kernel. 0 or a negative errno with s->error set. */
int session_run_installs(struct session *s);

/* The exit status that follows from the jobs: that of the first failure; 77 when there is
 * nothing but excluded ones; else 0. */
int plan_exit_status(const struct plan *p);

#endif
