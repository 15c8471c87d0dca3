/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_KERNEL_LOCK_H
#define BUILDER_INSTALL_KERNEL_LOCK_H

#include "builder/job/job.h"

/* Calls change, which changes the kernel's tree, while no other thread and no other
 * process does. Returns what it returns, or a negative errno with the job's error filled.
 */
int with_kernel_locked(struct job *job, int (*change)(struct job *job));

#endif
