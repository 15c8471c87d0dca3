/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_RESTORE_OBJECTS_H
#define BUILDER_REUSE_RESTORE_OBJECTS_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_LINKING: sets job->reuse->objects, and puts objects from the cache into the build
 * directory. objects.h describes how objects are reused. */
enum transition link_enter(struct job *job);

#endif
