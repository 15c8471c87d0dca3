/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_ESTIMATE_H
#define SCHEDULER_ESTIMATE_H

#include "builder/job/job.h"
#include "scheduler/history.h"

/* What jobs are going to take: what they took before, else what their source lets expect. */

/* Fills in expected_ms and expected_rss_bytes of jobs that have not begun. */
void estimate_jobs(const struct history *h, struct job *const *jobs, size_t n);
/* Notes what jobs took that have built something, and depmods. */
void estimate_record(struct history *h, struct job *const *jobs, size_t n);

/* How many of the slots fit into so many bytes when the largest process of these jobs runs
 * in each; at least 1. */
unsigned int estimate_slots_that_fit(
	struct job *const *jobs, size_t n, unsigned int slots, uint64_t bytes);

#endif
