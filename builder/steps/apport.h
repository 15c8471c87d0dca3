/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_APPORT_H
#define BUILDER_STEPS_APPORT_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_REPORTING */
enum transition report_enter(struct job *job);

#endif
