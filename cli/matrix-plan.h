/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MATRIX_PLAN_H
#define CLI_MATRIX_PLAN_H

#include <jansson.h>

#include "cli/arguments.h"
#include "scheduler/plan.h"

/* The file that dkms plan writes. dkms(8) describes the schema. */

/* Returns the plan of the jobs of p that install, which plan_autoinstall() has added, and whose module
 * the arguments name; without a name, of all. The caller owns it. */
json_t *matrix_plan_make(struct plan *p, const struct arguments *args);

/* Runs dkms plan. Returns the exit status. */
int command_plan(struct arguments *args);

#endif
