/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_AUTOINSTALL_H
#define SCHEDULER_AUTOINSTALL_H

#include "scheduler/plan.h"

/* Adds what autoinstall does on these kernels: the newest version of each module whose
 * AUTOINSTALL is yes and that is not installed, in BUILD_DEPENDS order. Evaluates confs on
 * the way. Appends the names of modules that wait for an unknown package to ret_deferred
 * ("NAME/VERSION for RELEASE: ..."), and of broken ones to ret_broken. */
int plan_autoinstall(struct plan *p, struct kernel **kernels, size_t n_kernels,
	struct strv *ret_deferred, struct strv *ret_broken, struct error *err);

/* Makes of the jobs JOB_EVALUATE from the first one on, which have been run, jobs that
 * install those versions, in BUILD_DEPENDS order. */
void plan_add_installs(struct plan *p, size_t first);

#endif
