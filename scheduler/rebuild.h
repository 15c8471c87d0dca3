/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_REBUILD_H
#define SCHEDULER_REBUILD_H

#include "scheduler/plan.h"

/* BUILD_DEPENDS_REBUILD: a package that names another one in BUILD_DEPENDS is built anew
 * when another version of that is installed. */

/* Whether any package in the tree may have asked for it, judged by the words in its
 * dkms.conf; where other files could say so as well, true. */
bool rebuild_is_possible(const struct settings *s);

/* After the jobs of the plan have been run: adds those that follow for the kernels on which
 * they installed something, in BUILD_DEPENDS order. What is built is built again, what is
 * installed is also installed again; with --force nothing is. Evaluates confs on the way. */
int rebuild_add_jobs(struct plan *p, struct error *err);

#endif
