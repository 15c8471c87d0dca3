/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_ORDER_H
#define SCHEDULER_PLAN_ORDER_H

#include "scheduler/plan.h"

/* Adds edges between the jobs that have not been run. */
void plan_order_builds(struct plan *p);

#endif
