/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_INSTALL_H
#define BUILDER_INSTALL_INSTALL_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_PRE_INSTALL, JOB_INSTALLING and JOB_POST_INSTALL */
enum transition pre_install_enter(struct job *job);
enum transition pre_install_leave(struct job *job, const struct outcome *outcome);
enum transition install_enter(struct job *job);
enum transition post_install_enter(struct job *job);

/* Undoes an install that has replaced another version, job->outcome.replaced: installs
 * that version again. Works on any thread. Returns 0, or a negative errno and
 * job->outcome.error. */
int install_restore_replaced(struct job *job);
/* Frees job->outcome.replaced and the list of its files. */
void install_free_replaced(struct job *job);

#endif
