/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_COUNTERS_H
#define CACHE_COUNTERS_H

#include <stdint.h>

#include "base/util.h"

/* What a cache has been good for, over all runs. */
struct counters {
	uint64_t hits, misses, stored;
	uint64_t bad;	   /* entries or objects that were damaged */
	uint64_t pieces_hits, pieces_misses;
	uint64_t saved_ms; /* what the hits cost when they were made */
	int64_t since_s;   /* the first count; 0: none */
};

/* Zeros when the file is missing or not ours. */
void counters_read(const char *path, struct counters *ret);
/* Adds to the file; processes take turns. Returns 0 or a negative errno. */
int counters_add(const char *path, const struct counters *more);

#endif
