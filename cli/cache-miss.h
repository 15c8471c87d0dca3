/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_MISS_H
#define CLI_CACHE_MISS_H

#include "builder/reuse/predict.h"

struct cache;

/* Why is a build not in the cache? These compare the key of a job, which must be known,
 * with the nearest entry: the one for a module of the same name that shares most parts of
 * the key. */

/* Prints the files, options and tools that differ from those of the nearest entry, and
 * which objects can be taken from the cache. title names the job. */
void cache_miss_print(struct cache *cache, const struct job *job, const char *title);
/* Returns the same in a few words: which parts of the key differ. The caller frees. */
char *cache_miss_describe(struct cache *cache, const struct job *job);
/* Calls predict_objects() with all entries of the cache. Returns what that returns. */
bool cache_miss_predict(
	struct cache *cache, const struct job *job, struct prediction *ret);

#endif
