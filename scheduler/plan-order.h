/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_ORDER_H
#define SCHEDULER_PLAN_ORDER_H

#include "scheduler/plan.h"

/* Adds an edge between two jobs that have not been run, where one should wait for the
 * other: because both would use the same build directory, or because the second can reuse
 * objects of the first. Call it after plan_choose_sandbox(). */
void plan_order_builds(struct plan *p);

#endif
