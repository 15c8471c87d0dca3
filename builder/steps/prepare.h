/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_PREPARE_H
#define BUILDER_STEPS_PREPARE_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* JOB_CHECKING, JOB_WAITING and JOB_COPYING */
enum phase check_enter(struct job *job);
enum phase wait_enter(struct job *job);
enum phase wait_leave(struct job *job, const struct outcome *outcome);
enum phase copy_enter(struct job *job);

#endif
