/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_SIGN_H
#define BUILDER_STEPS_SIGN_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_PREPARING_SIGNATURES and JOB_SIGNING */
enum transition prepare_signatures_enter(struct job *job);
enum transition sign_enter(struct job *job);
enum transition sign_leave(struct job *job, const struct outcome *outcome);
/* Frees the state of signing a build's modules. NULL is allowed. */
void signing_free(struct signing *signing);

#endif
