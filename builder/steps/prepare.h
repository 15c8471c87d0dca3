/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_PREPARE_H
#define BUILDER_STEPS_PREPARE_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_CHECKING, JOB_WAITING and JOB_COPYING */
enum transition check_enter(struct job *job);
enum transition wait_enter(struct job *job);
enum transition copy_enter(struct job *job);

#endif
