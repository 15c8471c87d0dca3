/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_PUBLISH_H
#define BUILDER_STEPS_PUBLISH_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* JOB_COMPRESSING and JOB_PUBLISHING */
enum phase compress_enter(struct job *job);
enum phase publish_enter(struct job *job);

#endif
