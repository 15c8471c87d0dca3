/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_UNINSTALL_H
#define BUILDER_INSTALL_UNINSTALL_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_UNINSTALLING, JOB_POST_REMOVE and JOB_UNPUBLISHING */
enum transition uninstall_enter(struct job *job);
enum transition post_remove_enter(struct job *job);
enum transition unpublish_enter(struct job *job);

/* Removes the job's version from its kernel's tree and restores originals. Returns 0, or
 * a negative errno and job->outcome.error. */
int uninstall_work(struct job *job);

#endif
