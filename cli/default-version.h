/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DEFAULT_VERSION_H
#define CLI_DEFAULT_VERSION_H

#include "cli/arguments.h"

/* Sets args->version where a command needs one and was given only the name of a module, of which
 * this machine has a single version. After -m the version stays missing, which is an error:
 * scripts name modules so, and are not to remove whatever is there. Returns 0, also where there is nothing to do, or a negative
 * errno and an error with status 1 that lists the versions. */
int default_version_set(struct arguments *args, struct error *err);

#endif
