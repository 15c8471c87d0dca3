/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_PREDICT_H
#define BUILDER_REUSE_PREDICT_H

#include "cache/entry.h"
#include "builder/job/job.h"

/* Which objects of the cache a build is going to get, found out without building. */
struct foretold {
	char *from;	 /* the kernel whose objects come nearest; NULL: the package has none */
	size_t valid, n; /* of its objects, those that can be taken, and all */
	struct strv differences; /* what is in the way of the others, a line each; see
				  * view_add_changes and nearest_add_differences */
};

/* entries: all of the cache. False when no objects are kept for such a build, whose key must be
 * known; foretold_done frees. Says nothing of what only make knows: the command lines.
 * A package that has patches or a script before make is judged by what these made the last
 * time. */
bool foretell(const struct job *job, const struct entry *entries, size_t n,
	struct foretold *ret);
void foretold_done(struct foretold *f);

#endif
