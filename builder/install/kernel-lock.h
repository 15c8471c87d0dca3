/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_KERNEL_LOCK_H
#define BUILDER_INSTALL_KERNEL_LOCK_H

#include "builder/job/job.h"

/* Calls change, which changes the kernel's tree, while the locks of the kernel are held,
 * so that no other thread and no other process changes the tree. Waits for the locks.
 * Returns what change returns, or a negative errno and job->outcome.error if the lock
 * fails. */
int kernel_lock_and_call(struct job *job, int (*change)(struct job *job));

#endif
