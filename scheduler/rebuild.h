/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_REBUILD_H
#define SCHEDULER_REBUILD_H

#include "scheduler/plan.h"

/* Implements the directive BUILD_DEPENDS_REBUILD of dkms.conf(5): a module with this
 * directive is rebuilt when another version of a module that it names in BUILD_DEPENDS is
 * installed. */

/* Returns whether any built module in the dkms tree may have the directive. Searches each
 * dkms.conf for the word, without evaluating the file; so it may return true for a module
 * without the directive, for example because there is an override in /etc/dkms. With
 * --force nothing is rebuilt, so it returns false. */
bool rebuild_is_possible(const struct settings *s);

/* Call it when the jobs of the plan have been run. For each kernel on which they have
 * installed something, adds a job that rebuilds each outdated module, and reinstalls it
 * if it is installed. The jobs run in the order that BUILD_DEPENDS asks for. Runs the
 * plan once, to evaluate the dkms.conf files. Adds nothing with --force. Returns 0, or a
 * negative errno with err filled in. */
int rebuild_add_jobs(struct plan *p, struct error *err);

#endif
