/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_SLOTS_H
#define SCHEDULER_PLAN_SLOTS_H

#include "scheduler/plan.h"

/* Chooses the slots of the next run. 0 or a negative errno. */
int plan_choose_slots(struct plan *p);
/* How many there are to tell of; 0: no limit. */
unsigned int plan_count_slots(const struct plan *p);

#endif
