/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_AUTOINSTALL_H
#define SCHEDULER_AUTOINSTALL_H

#include "scheduler/plan.h"

/* Adds jobs that install, on each of the kernels, the newest version of every module with
 * AUTOINSTALL=yes, unless it, or a newer one without a source, is installed already. Where
 * the newest version excludes the kernel, it is the newest one that does not and has
 * AUTOINSTALL=yes, too, with a line in ret_said. What dkms skip keeps off a kernel is left
 * out. What
 * is installed is installed again if files of it are gone, and built again if it is stale
 * (tree/stale.h), with a line in ret_said, unless rebuild_stale=no. The
 * jobs run in the order that BUILD_DEPENDS asks for. What p->wants refuses is left out. Runs the plan once, to evaluate each dkms.conf. Appends a line
 * "NAME/VERSION for RELEASE is deferred: ..." to ret_deferred for each module that needs
 * one which is not in the dkms tree or kept off the kernel, and "NAME/VERSION is ..." to ret_skipped for each newer
 * version that is broken or a leftover. Returns 0, or a negative errno with err filled in
 * when the tree cannot be read or the plan cannot be run. */
int plan_autoinstall(struct plan *p, struct kernel **kernels, size_t n_kernels,
	struct strv *ret_deferred, struct strv *ret_skipped, struct strv *ret_said,
	struct error *err);

/* Adds a job JOB_INSTALL for each successful job JOB_EVALUATE from p->jobs[first] on.
 * These jobs must have been run. The new jobs run in the order that BUILD_DEPENDS asks
 * for. */
void plan_add_installs(struct plan *p, size_t first);

#endif
