/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_COUNTERS_H
#define CACHE_COUNTERS_H

#include <stdint.h>

#include "base/util.h"
#include "cache/damage.h"

/* The counters of a cache, over all runs. */
struct counters {
	uint64_t hits, misses, stored; /* results that are whole */
	uint64_t bad;                  /* entries or objects that were damaged */
	uint64_t pieces_hits, pieces_misses;
	uint64_t saved_ms; /* the time that the results of all hits took to make */
	int64_t since_s; /* the time of the first count, in seconds since 1970; 0: none */
};

/* Reads the counters from a file. If it is missing or damaged they are zero, and the
 * result is false. A damaged file is added to damage, which may be NULL. */
bool counters_read(const char *path, struct damage *damage, struct counters *ret);
/* Adds more to the counters in a file, under a lock. Returns 0 or a negative errno. */
int counters_add(const char *path, const struct counters *more);

#endif
