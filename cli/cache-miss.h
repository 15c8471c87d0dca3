/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_MISS_H
#define CLI_CACHE_MISS_H

#include "cache/cache.h"
#include "builder/reuse/predict.h"

/* About a job whose key is known and not in the cache: prints which files, options and
 * tools differ from those of the nearest entry, and which objects can be taken. */
void cache_miss_print(struct cache *cache, const struct job *job, const char *title);
/* The same in a few words: which parts of the key differ. Caller frees. */
char *cache_miss_describe(struct cache *cache, const struct job *job);
/* foretell() with all that is in the cache. */
bool cache_miss_foretell(struct cache *cache, const struct job *job, struct foretold *ret);

#endif
