/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_PLAN_SLOTS_H
#define SCHEDULER_PLAN_SLOTS_H

#include "scheduler/plan.h"

/* Sets p->slots and p->n_extra for the next run, from the settings and the expected
 * memory use of its jobs. Adds a warning to the plan when the job slots of the make that
 * runs dkms cannot be reached. Returns 0, or a negative errno when no jobserver can be
 * made. */
int plan_choose_slots(struct plan *p);
/* Returns the number of slots to show to a person; 0 means no limit. */
unsigned int plan_count_slots(const struct plan *p);

#endif
