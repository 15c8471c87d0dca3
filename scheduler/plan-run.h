/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_RUN_H
#define SCHEDULER_PLAN_RUN_H

#include "scheduler/plan.h"

/* Runs the jobs added since the last run. Returns 0 also when some fail; a negative errno
 * when nothing could be run. */
int plan_run(struct plan *p, struct error *err);

#endif
