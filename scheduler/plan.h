/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_H
#define SCHEDULER_PLAN_H

#include <uv.h>

#include "cache/cache.h"
#include "builder/job/job.h"
#include "scheduler/graph.h"
#include "scheduler/history.h"
#include "scheduler/runner.h"

/* A plan holds the jobs of a command: usually one for each module version and kernel, as
 * nodes of a graph. A command adds jobs and edges, runs them with plan_run(), may add
 * further jobs that depend on the outcome, and runs these as well. Jobs and kernels stay
 * until plan_done(), so that they can be reported. */
struct plan {
	uv_loop_t *loop; /* borrowed */
	struct job_shared shared;
	/* is told of all events; the data of each node is a struct job */
	struct observer observer;

	/* The job slots. Set before the first run to those of the make that runs dkms,
	 * which are borrowed, or NULL; then plan_choose_slots() makes own_slots and sets
	 * slots to them. */
	struct slots *slots;
	struct slots own_slots;
	/* jobs that may run in addition to those that hold a slot */
	unsigned int n_extra;
	/* The caller sets this if the make that runs dkms has job slots that dkms cannot
	 * reach. */
	bool make_slots_unreachable;
	bool has_asked_make;	 /* make_supports_fifo has been found out */
	bool make_supports_fifo; /* make(1) supports a jobserver in a named pipe */

	struct kernel **kernels; /* owned */
	/* for each kernel the job that was added last, or NULL */
	struct job **last_jobs;
	size_t n_kernels;

	struct job **jobs; /* owned, in the order in which they were added */
	size_t n_jobs;
	size_t n_jobs_run; /* the number of jobs, from the first on, that have been run */
	/* The number of jobs, from the first on, that plan_add_depmods() has looked
	 * at. */
	size_t n_jobs_with_depmod;
	struct graph graph; /* the jobs from n_jobs_run on, in the same order */

	struct history *history; /* what jobs took in earlier runs; owned */
	/* a line for each module that autoinstall skips, with the reason */
	struct strv notes;
	struct strv warnings;	 /* lines about the plan as a whole */
	struct plan_fleet *fleet; /* plan-fleet.c's, or NULL */
	/* NULL, or tells whether plan_autoinstall() may install what a job has evaluated */
	bool (*wants)(const struct job *job, void *data);
	void *wants_data;
	bool can_filter;	 /* system calls can be filtered: run/seccomp.h */
	bool tried_tracing;	 /* shared.can_trace is known */
};

/* Makes an empty plan. The loop and the settings must outlive it. plan_done frees. */
void plan_init(struct plan *p, uv_loop_t *loop, const struct settings *settings);
/* Makes all further builds use the cache, and reads the history from its directory. The
 * cache must outlive the plan. */
void plan_use_cache(struct plan *p, struct cache *cache);
/* Frees the plan with its jobs and kernels. */
void plan_done(struct plan *p);

/* Returns the kernel of that release and architecture. It is made on the first call and
 * lives as long as the plan. */
struct kernel *plan_get_kernel(struct plan *p, const char *release, const char *arch);

/* Adds a job, which lives as long as the plan. kernel may be NULL for a job that is about
 * no kernel. */
struct job *plan_add_job(struct plan *p, enum job_kind kind, struct kernel *kernel,
	const char *name, const char *version);
/* Adds a job for the version and the kernel of a job that has evaluated a dkms.conf, and
 * moves the evaluated conf to the new job. */
struct job *plan_add_follow_up(struct plan *p, enum job_kind kind, struct job *evaluated);
/* Makes the job after wait for the job before: until it has succeeded (EDGE_NEEDS), or
 * until it has ended in whatever way (EDGE_AFTER). Neither job may have been run. */
void plan_add_edge(
	struct plan *p, struct job *before, struct job *after, enum edge_kind kind);
/* Returns the job that was added last for the kernel, or NULL. */
struct job *plan_last_job_on(const struct plan *p, const struct kernel *kernel);

/* Returns whether any of the jobs that have not been run may build. */
bool plan_has_builds(const struct plan *p);

/* Returns true if the job did what it was asked for or had nothing to do, and also while
 * it has no result yet. */
bool job_succeeded(const struct job *job);

#endif
