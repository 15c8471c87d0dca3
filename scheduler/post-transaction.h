/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_POST_TRANSACTION_H
#define SCHEDULER_POST_TRANSACTION_H

#include "scheduler/plan.h"

/* Runs the command post_transaction of framework.conf, when there is one, for each kernel
 * that jobs of the plan have changed and on which none failed, in turn; with kernelver in
 * its environment, and with its output in DKMSTREE/post_transaction.log. When a version
 * was forgotten that was built for no kernel, it runs for the one given. A command that
 * fails is a warning of the plan. */
void post_transaction_run(struct plan *p, struct kernel *kernel);

#endif
