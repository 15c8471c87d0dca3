/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_PUBLISH_H
#define BUILDER_STEPS_PUBLISH_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_COMPRESSING and JOB_PUBLISHING */
enum transition compress_enter(struct job *job);
enum transition publish_enter(struct job *job);

/* Returns the options of the settings for a compression; NULL if there are none. */
const char *compress_options_of(const struct settings *s, enum compression how);

#endif
