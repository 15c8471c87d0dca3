/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_FAILURES_H
#define CLI_FAILURES_H

#include "scheduler/plan.h"

/* Prints the failures with all that is known of them, each once, however many kernels it
 * is for: at the end of a run that has told of each in one line. */
void failures_print(const struct plan *p, FILE *out);

/* Whether there is more to tell of a failure than its first line. */
bool failure_has_details(const struct job *job);

#endif
