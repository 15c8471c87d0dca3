/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_PREDICT_H
#define BUILDER_REUSE_PREDICT_H

#include "cache/entry.h"
#include "builder/job/job.h"

/* Which objects a build is expected to take from the cache. */
struct prediction {
	char *from; /* release of the kernel whose objects fit best; NULL: there are
				  * none of this package */
	size_t n_valid, n; /* objects of that build that can be taken, and all of them */
	struct strv differences; /* why the others cannot be taken, one line each, from
				  * inputs_add_changes() or nearest_add_differences() */
};

/* Predicts which objects the job's build will take from the cache, without building
 * anything. The key of the build must be known. entries: all n entries of the cache. The
 * prediction ignores the command lines of the objects, which only make knows. If the
 * package has patches or a PRE_BUILD script, it assumes that these do the same as the
 * last time. prediction_done() frees. Returns false if no objects are stored for such a
 * build, and leaves *ret unset. */
bool predict_objects(const struct job *job, const struct entry *entries, size_t n,
	struct prediction *ret);
void prediction_done(struct prediction *p);

#endif
