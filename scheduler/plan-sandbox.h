/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_SANDBOX_H
#define SCHEDULER_PLAN_SANDBOX_H

#include "scheduler/plan.h"

/* Sets p->shared.sandbox and can_trace, unless an earlier call has set it. Adds a warning to the plan
 * when there can be no sandbox. Returns 0, or -EPERM with err filled in when
 * --sandbox=require asks for one that cannot be had. */
int plan_choose_sandbox(struct plan *p, struct error *err);

#endif
