/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_DEPMODS_H
#define SCHEDULER_DEPMODS_H

#include "scheduler/plan.h"

/* Adds a job JOB_DEPMOD for each kernel that a job added since the last call may change,
 * or that an earlier run has left without: tree/kernel-mark.h. It runs when all these jobs
 * on its kernel have ended. */
void plan_add_depmods(struct plan *p);
/* Returns whether an earlier run has left a kernel of the plan without depmod. */
bool plan_needs_depmod(const struct plan *p);

#endif
