/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_MAKE_H
#define BUILDER_STEPS_MAKE_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_PATCHING, JOB_PRE_BUILD, JOB_MAKING, JOB_CHECKING_OBJECTS, JOB_STRIPPING and
 * JOB_POST_BUILD */
enum transition patch_enter(struct job *job);
enum transition patch_leave(struct job *job, const struct outcome *outcome);
enum transition pre_build_enter(struct job *job);
enum transition pre_build_leave(struct job *job, const struct outcome *outcome);
enum transition make_enter(struct job *job);
enum transition make_leave(struct job *job, const struct outcome *outcome);
enum transition check_objects_enter(struct job *job);
enum transition strip_enter(struct job *job);
enum transition strip_leave(struct job *job, const struct outcome *outcome);
enum transition post_build_enter(struct job *job);
enum transition post_build_leave(struct job *job, const struct outcome *outcome);

#endif
