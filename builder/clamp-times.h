/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CLAMP_TIMES_H
#define BUILDER_CLAMP_TIMES_H

#include "builder/job/job.h"

/* If settings.source_date is given, changes the modification times that are later in
 * everything that the job has written or changed in the dkms tree, the source tree and
 * the kernel's tree, and of the directories above in these trees. To be called after all
 * jobs of a run, since each changes the times of directories that they share. What other
 * runs are writing at the same time is left alone. */
void clamp_times(const struct job *job);

#endif
