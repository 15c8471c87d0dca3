/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_READ_CONF_H
#define BUILDER_STEPS_READ_CONF_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_READING_POLICY */
enum transition policy_enter(struct job *job);
enum transition policy_leave(struct job *job, const struct outcome *outcome);

/* JOB_EVALUATING */
enum transition evaluate_enter(struct job *job);
enum transition evaluate_leave(struct job *job, const struct outcome *outcome);

#endif
