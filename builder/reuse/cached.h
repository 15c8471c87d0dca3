/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CACHED_H
#define BUILDER_REUSE_CACHED_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_FINGERPRINTING */
enum transition fingerprint_enter(struct job *job);
/* JOB_RESTORING */
enum transition restore_enter(struct job *job);
/* JOB_STORING */
enum transition store_enter(struct job *job);
/* Notes that the build is not kept in the cache, because what, such as the path of a
 * file, changed while it was built. Only the first such note of a job counts. Whoever
 * calls it must not store the build. */
void cached_refuse(struct job *job, const char *what);
/* Makes the entries that JOB_STORING stored, if any, available to other builds. */
void cached_commit(struct job *job);

/* Returns an empty struct reuse. reuse_free() frees. */
struct reuse *reuse_new(void);
/* NULL is allowed. */
void reuse_free(struct reuse *reuse);

#endif
