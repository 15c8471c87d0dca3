/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_STORE_OBJECTS_H
#define BUILDER_REUSE_STORE_OBJECTS_H

#include "builder/job/job.h"

/* Puts the objects that make compiled into the cache, where nobody finds them yet. Sets
 * job->outcome.linked_from if make compiled none, because all came from the cache. */
void objects_store(struct job *job);
/* Makes the stored objects available to other builds, and counts those that make took
 * from the cache. To be called when the build is published. */
void objects_commit(struct job *job);

#endif
