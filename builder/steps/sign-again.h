/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_SIGN_AGAIN_H
#define BUILDER_STEPS_SIGN_AGAIN_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_TAKING_BUILT and JOB_REPLACING. Between them, steps/sign.h signs. */
enum transition take_built_enter(struct job *job);
enum transition replace_built_enter(struct job *job);

#endif
