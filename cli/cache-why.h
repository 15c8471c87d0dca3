/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_WHY_H
#define CLI_CACHE_WHY_H

#include "cli/arguments.h"

struct cache;

/* Runs dkms cache why: prints whether a build of the module is in the cache, and if not, how it
 * differs from the nearest one. Returns the exit status. */
int cache_why(struct cache *cache, struct arguments *args);

#endif
