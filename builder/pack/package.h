/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_PACKAGE_H
#define BUILDER_PACK_PACKAGE_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_PACKAGING, JOB_DELIVERING and JOB_CLEANING_PACKAGE */
enum transition package_enter(struct job *job);
enum transition package_leave(struct job *job, const struct outcome *outcome);
enum transition deliver_enter(struct job *job);
enum transition package_clean_enter(struct job *job);

/* Returns the state of a package that is not made yet. package_free() frees. */
struct package *package_new(void);
/* The work of JOB_PACKING for a package: assembles its files. Returns 0, or a negative
 * errno and job->outcome.error. */
int package_assemble(struct job *job);
/* Frees the state of a package. NULL is allowed. */
void package_free(struct package *p);

#endif
