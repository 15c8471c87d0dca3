/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_JOB_INDEX_H
#define SCHEDULER_JOB_INDEX_H

#include "builder/job/job.h"

/* Some of the jobs of a plan, sorted by the name of the module, the kernel and their numbers,
 * so that looking for one does not take a loop over all of them. */
struct job_index {
	struct job **jobs;
	size_t n;
};

/* Makes an index of n jobs, which belong to the plan; those without a name or a kernel are
 * left out. job_index_done() frees. */
void job_index_init(struct job_index *index, struct job *const *jobs, size_t n);
void job_index_done(struct job_index *index);

/* Returns the jobs for the module on the kernel, in the order of their numbers, and how many
 * they are. They belong to the index; NULL if there are none. */
struct job *const *job_index_find(const struct job_index *index, const char *name,
	const struct kernel *kernel, size_t *ret_n);

#endif
