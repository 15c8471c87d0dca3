/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_STATS_H
#define CLI_CACHE_STATS_H

#include "cli/arguments.h"
#include "cli/json.h"

struct cache;

/* Runs dkms cache stats: prints what is in the cache and how often it was used, or sets
 * this in doc if it is not NULL. Returns the exit status, and fills in err if it fails.
 */
int cache_stats(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err);

#endif
