/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_KERNEL_LOCK_H
#define BUILDER_INSTALL_KERNEL_LOCK_H

#include "builder/job/job.h"

/* Calls change, which changes the kernel's tree, while the locks of the kernel are held,
 * so that no other thread and no other process changes the tree. What was known of the
 * kernel's modules is forgotten before. Returns what change returns, or the error of
 * job_try_lock(): -EAGAIN if another process holds the lock. */
int kernel_lock_and_call(struct job *job, int (*change)(struct job *job));

/* Called with the lock, before the job changes the kernel's tree: sets the mark of
 * tree/kernel-mark.h. Returns 0, or a negative errno and job->outcome.error. */
int kernel_begin_change(struct job *job);
/* Called when the change is complete, or completely undone. Otherwise the next run
 * finds the kernel unfinished. */
void kernel_end_change(struct job *job);

#endif
