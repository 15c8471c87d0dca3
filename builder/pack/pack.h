/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_PACK_PACK_H
#define BUILDER_PACK_PACK_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_PACKING */
enum transition pack_enter(struct job *job);

#endif
