/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_H
#define SCHEDULER_PLAN_H

#include <uv.h>

#include "cache/cache.h"
#include "builder/job/job.h"
#include "scheduler/graph.h"
#include "scheduler/history.h"
#include "scheduler/runner.h"

/* Modules × kernels as jobs in a graph. A command adds jobs, runs the plan, may add more
 * that follow from what came out, and runs it again; jobs and kernels stay until
 * plan_done, for the report. */
struct plan {
	uv_loop_t *loop;
	struct job_shared shared;
	struct observer observer; /* gets nodes whose data is a struct job */
	/* Of a make above us, given before the first run, or own; NULL: not chosen yet. */
	struct slots *slots;
	struct slots own_slots;
	unsigned int n_extra; /* jobs that may run besides those that have a slot */
	bool make_slots_unreachable; /* given: the make above us has some and does not
					 pass them on */
	bool has_asked_make; /* what form of the jobserver it understands: */
	bool make_supports_fifo;
	struct kernel **kernels;
	struct job **last_jobs; /* of each kernel the job that was added last, or NULL */
	size_t n_kernels;
	struct job **jobs;
	size_t n_jobs;
	size_t n_jobs_run;		/* jobs before this one have been run */
	size_t n_jobs_with_depmod; /* those before this one have a depmod of their kernel
				    */
	struct graph graph;	/* of the jobs that have not */
	struct history *history;
	struct strv notes;	/* modules that autoinstall leaves alone, and why */
	struct strv warnings;	/* of the plan itself, a line each */
};

void plan_init(struct plan *p, uv_loop_t *loop, const struct settings *settings);
/* What is built from now on goes to the cache and comes from it; it must outlive the plan. */
void plan_use_cache(struct plan *p, struct cache *cache);
void plan_done(struct plan *p);

/* The kernel of that release and architecture; made when first asked for. Lives as long as
 * the plan. */
struct kernel *plan_get_kernel(struct plan *p, const char *release, const char *arch);

/* Adds a job; it lives as long as the plan. */
struct job *plan_add_job(struct plan *p, enum job_kind kind, struct kernel *kernel,
	const char *name, const char *version);
/* Adds a job for the version and the kernel of a job that has evaluated a dkms.conf, and
 * moves the evaluated conf to it. */
struct job *plan_add_follow_up(struct plan *p, enum job_kind kind, struct job *evaluated);
/* after runs when before is done (EDGE_NEEDS), or has ended (EDGE_AFTER). Both have been
 * added since the last run. */
void plan_add_edge(
	struct plan *p, struct job *before, struct job *after, enum edge_kind kind);
/* Returns the job that was added last for the kernel, or NULL. */
struct job *plan_last_job_on(const struct plan *p, const struct kernel *kernel);

/* The job among those from first on that is for name on the kernel, or NULL. */
struct job *plan_find_job(struct plan *p, size_t first, const char *name,
	const struct kernel *kernel);

/* Some of the jobs that have not been run may build. */
bool plan_has_builds(const struct plan *p);

/* True when a job did what it was for, or had nothing to do. */
bool job_succeeded(const struct job *job);

#endif
