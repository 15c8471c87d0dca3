/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_SANDBOX_H
#define SCHEDULER_PLAN_SANDBOX_H

#include "scheduler/plan.h"

/* Chooses p->shared.sandbox, once. 0, or a negative errno when --sandbox=require cannot be met. */
int plan_choose_sandbox(struct plan *p, struct error *err);

#endif
