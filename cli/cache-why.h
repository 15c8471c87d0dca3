/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_WHY_H
#define CLI_CACHE_WHY_H

#include "cli/arguments.h"
#include "cli/json.h"

struct cache;

/* Runs dkms cache why: prints whether the builds of the modules for the kernels are in
 * the cache, and if not, how they differ from the nearest ones; or sets this in doc if it
 * is not NULL. Returns the exit status, and fills in err if it fails. */
int cache_why(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err);

#endif
