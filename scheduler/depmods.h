/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_DEPMODS_H
#define SCHEDULER_DEPMODS_H

#include "scheduler/plan.h"

/* Adds a job JOB_DEPMOD for each kernel that a job added since the last call may change,
 * or that an earlier run has left without: tree/kernel-mark.h. It runs when all these jobs
 * on its kernel have ended. */
void plan_add_depmods(struct plan *p);
/* Adds an early depmod for a kernel whose installed modules have waited for one, because
 * other modules are still built, for EARLY_DEPMOD_S after the last of them was installed;
 * the next time for twice as long, and so on. Returns the job, or NULL if no kernel needs
 * one now. Call it while the jobs of the plan run. */
struct job *plan_add_early_depmod(struct plan *p);
#define EARLY_DEPMOD_S 30
/* Returns whether an earlier run has left a kernel of the plan without depmod. */
bool plan_needs_depmod(const struct plan *p);

#endif
