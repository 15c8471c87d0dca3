/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_DEPMODS_H
#define SCHEDULER_DEPMODS_H

#include "scheduler/plan.h"

/* Adds a job JOB_DEPMOD for each kernel that a job added since the last call may change.
 * It runs when all these jobs on its kernel have ended. */
void plan_add_depmods(struct plan *p);

#endif
