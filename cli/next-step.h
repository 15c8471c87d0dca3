/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_NEXT_STEP_H
#define CLI_NEXT_STEP_H

#include "scheduler/plan.h"

/* Prints to standard error, in one line, what to do after modules could not be built or
 * installed while packages are installed: keep another kernel, install a newer version, or skip
 * the module. counts says whether the exit status tells the package manager of the failure.
 * Prints nothing if nothing of the kind has failed. */
void next_step_print(const struct plan *p, bool counts);

#endif
