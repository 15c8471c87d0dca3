/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REMOTE_PULL_H
#define CLI_REMOTE_PULL_H

#include "base/error.h"

struct arguments;

/* Implements dkms remote pull: gets what a remote cache has of the module that the arguments name,
 * or of all modules, for their kernels, into the local cache, and builds nothing. It prints, and
 * returns 0, or a negative errno and err; with FLEET_MISS_STATUS if something is in neither cache. */
int remote_pull(struct arguments *args, struct error *err);

#endif
