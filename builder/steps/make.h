/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_MAKE_H
#define BUILDER_STEPS_MAKE_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* JOB_PATCHING, JOB_PRE_BUILD, JOB_MAKING, JOB_STRIPPING and JOB_POST_BUILD */
enum phase patch_enter(struct job *job);
enum phase patch_leave(struct job *job, const struct outcome *outcome);
enum phase pre_build_enter(struct job *job);
enum phase pre_build_leave(struct job *job, const struct outcome *outcome);
enum phase make_enter(struct job *job);
enum phase make_leave(struct job *job, const struct outcome *outcome);
enum phase strip_enter(struct job *job);
enum phase strip_leave(struct job *job, const struct outcome *outcome);
enum phase post_build_enter(struct job *job);
enum phase post_build_leave(struct job *job, const struct outcome *outcome);

#endif
