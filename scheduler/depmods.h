/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_DEPMODS_H
#define SCHEDULER_DEPMODS_H

#include "scheduler/plan.h"

/* One depmod for each kernel, when the jobs on it have ended that have been added since
 * this was last called. */
void plan_add_depmods(struct plan *p);

#endif
