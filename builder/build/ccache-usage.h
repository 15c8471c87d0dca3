/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CCACHE_USAGE_H
#define BUILDER_BUILD_CCACHE_USAGE_H

#include "cache/cache.h"

/* What ccache(1) has counted for all module packages. Makefiles can write to the
 * counters, so they may be wrong. */
struct ccache_usage {
	uint64_t files; /* in the directories of ccache */
	uint64_t hits, misses;
};

/* Reads the counters from the files of ccache, without running it. Files that cannot be
 * read count as 0. */
void ccache_read_usage(struct cache *c, struct ccache_usage *ret);

#endif
