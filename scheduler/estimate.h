/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_ESTIMATE_H
#define SCHEDULER_ESTIMATE_H

#include "builder/job/job.h"
#include "scheduler/history.h"

/* Estimates what jobs will take, from what they took in earlier runs or else from the
 * size of their source. */

/* Sets expected_ms and expected_rss_bytes of jobs that have not started. */
void estimate_jobs(const struct history *h, struct job *const *jobs, size_t n);
/* Records in the history what the jobs took that have built something or run depmod(8). A
 * job whose modules or objects came from the cache is not recorded, because it says
 * nothing about a build. */
void estimate_record(struct history *h, struct job *const *jobs, size_t n);

/* Returns how many of the slots fit into so many bytes of memory if the largest process
 * of these jobs runs in each slot; at least 1. */
unsigned int estimate_slots_that_fit(
	struct job *const *jobs, size_t n, unsigned int slots, uint64_t bytes);

#endif
