/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_CLEAN_H
#define BUILDER_STEPS_CLEAN_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_CLEANING_BUILD */
enum transition clean_enter(struct job *job);
/* Frees job->build and job->reuse. Removes no files. */
void clean_free_build(struct job *job);

#endif
