/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STEPS_CHECK_NEEDED_H
#define BUILDER_STEPS_CHECK_NEEDED_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_LOOKING */
enum transition check_needed_enter(struct job *job);

/* Checks whether name/version is in the dkms tree. Returns 0, or -ENOENT with status 3 if
 * it is not, with status 4 if its source is missing. */
int check_added(const struct settings *s, const char *name, const char *version,
	struct error *err);

#endif
