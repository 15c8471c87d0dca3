/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_LOOK_H
#define BUILDER_STEPS_LOOK_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

enum phase look_enter(struct job *job);

/* 0 when name/version is in the dkms tree and not broken; else a negative errno, with
 * status 3 or 4. */
int job_check_known(const struct settings *s, const char *name, const char *version,
	struct error *err);

#endif
