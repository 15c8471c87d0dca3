/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_REGISTER_H
#define BUILDER_ADD_REGISTER_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_REGISTERING, JOB_POST_ADD and JOB_FORGETTING */
enum transition register_enter(struct job *job);
enum transition post_add_enter(struct job *job);
enum transition post_add_leave(struct job *job, const struct outcome *outcome);
enum transition forget_enter(struct job *job);

#endif
