/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_REGISTER_H
#define BUILDER_ADD_REGISTER_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* JOB_REGISTERING, JOB_POST_ADD and JOB_FORGETTING */
enum phase register_enter(struct job *job);
enum phase post_add_enter(struct job *job);
enum phase forget_enter(struct job *job);

#endif
