/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_COLLECT_H
#define BUILDER_BUILD_COLLECT_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase collect_enter(struct job *job);
/* Checks what is staged against the kernel; fills the job's warnings. */
void build_check_staged(struct job *job);

#endif
