/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_FAILURES_H
#define CLI_FAILURES_H

#include "scheduler/plan.h"

/* Prints the failures of a run in full, after each was reported in one line when it happened.
 * The same failure on several kernels is printed once. */
void failures_print(const struct plan *p, FILE *out);

/* Whether the job failed, and its failure has more than one line to print: a remedy, a log,
 * or a message of several lines. */
bool failure_has_details(const struct job *job);

#endif
