/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_POST_TRANSACTION_H
#define SCHEDULER_POST_TRANSACTION_H

#include "scheduler/plan.h"

/* Runs the command post_transaction of framework.conf(5), if there is one, once for each
 * kernel that jobs of the plan have changed and on which no job failed. The environment
 * has kernelver=RELEASE, and the output goes to DKMSTREE/post_transaction.log. If the
 * jobs have changed no kernel, but have removed a version from the dkms tree, the command
 * runs once for the given kernel, which may be NULL. If the command fails, a warning is
 * added to the plan. Does nothing in a dry run, or in a run that was cancelled. */
void post_transaction_run(struct plan *p, struct kernel *kernel);

#endif
