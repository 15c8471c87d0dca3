/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_RUN_H
#define SCHEDULER_PLAN_RUN_H

#include "scheduler/plan.h"

/* Runs the jobs that have been added since the last run, and waits for them. Returns 0,
 * even if jobs fail; their outcome says so. Returns a negative errno, with err filled in,
 * when no job could be run. */
int plan_run(struct plan *p, struct error *err);

#endif
