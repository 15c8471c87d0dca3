/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_FLEET_H
#define SCHEDULER_PLAN_FLEET_H

#include "scheduler/plan.h"

/* The remote cache of a plan: builder/reuse/fleet.h. */

/* What a run got from a remote cache, and put there. */
struct fleet_counts {
	size_t hits, misses; /* of jobs that asked */
	size_t bad;	     /* answers that were not believed */
	size_t pushed;
	uint64_t bytes_in, bytes_out;
	uint64_t wait_ns; /* the sum of what the jobs waited */
};

/* Reads the keys, if the settings name a remote cache and the jobs that were not run may build.
 * Nothing is asked before the first job does. Adds a warning to the plan if it cannot be used.
 */
void plan_open_fleet(struct plan *p);
/* Pushes what the plan's jobs have built, for at most ten seconds, and ends the transport. Adds
 * at most one warning for each cause to the plan. To be called when all jobs have ended. */
void plan_close_fleet(struct plan *p);
/* Frees the keys, after plan_close_fleet() and all jobs. NULL is allowed. */
void plan_free_fleet(struct plan_fleet *f);
/* Returns what came of it, after plan_close_fleet(); all zero without a remote cache. */
struct fleet_counts plan_count_fleet(const struct plan *p);

#endif
