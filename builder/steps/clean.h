/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_CLEAN_H
#define BUILDER_STEPS_CLEAN_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase clean_enter(struct job *job);
/* Frees the state of the job's build. */
void forget_build(struct job *job);

#endif
