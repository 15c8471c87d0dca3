/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CCACHE_H
#define BUILDER_BUILD_CCACHE_H

#include "builder/job/job.h"

/* With framework.conf's ccache: makes a command of the job's run its compilers by ccache(1),
 * under whatever names it calls them. Without, or when there is no ccache or nothing may be
 * kept, cmd and box stay as they are. */
void ccache_use(struct job *job, struct command *cmd, struct sandbox *box);

/* Whether the user's settings for ccache need a network, which a build has then: its results
 * depend on what we cannot know. A remote storage that is a directory needs none. */
bool ccache_needs_network(const struct settings *s);

/* By ccache's own count, of all packages. A makefile may have written anything there. */
struct ccache_usage {
	uint64_t files;
	uint64_t hits, misses;
};

/* Starts nothing. */
void ccache_measure(struct cache *c, struct ccache_usage *ret);

#endif
