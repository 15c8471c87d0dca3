/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBJECTS_H
#define BUILDER_REUSE_OBJECTS_H

#include "cache/entry.h"
#include "cache/pieces.h"
#include "builder/job/job.h"
#include "builder/job/phase.h"

/* The object files of a build, for objects.c, cached.c and build.c: those that earlier
 * builds have left in the cache, and those that it leaves itself. */
struct objects;

/* The titles of entries with objects begin so; the rest is as with whole modules. */
#define OBJECTS_TITLE "objects "

/* What make.log has about them begins so. */
#define OBJECTS_NOTE "# objects from the cache"

enum phase link_enter(struct job *job);
/* Why no objects of the build are kept, nor looked for; static text, NULL when they
 * are. */
const char *objects_obstacle(const struct job *job);
/* The kernel that an entry with objects was made for; caller frees. */
char *objects_kernel(const struct entry *e);
/* Whether patches and scripts had the same to work on, as far as the package goes, when
 * these were made. */
bool objects_same_preparation(const struct job *job, const struct pieces *p);
/* After make has ended well: false when it left other files besides objects than the
 * build did whose objects it was given, or changed what they depend on, so that these may
 * not be what it would have made. */
bool objects_fit(const struct job *job);
/* Whether make was given any. */
bool objects_are_used(const struct job *job);
/* Puts what make has compiled into the cache; objects_commit makes it known. */
void objects_store(struct job *job);
void objects_commit(struct job *job);
void objects_free(struct objects *o); /* NULL is allowed */

#endif
