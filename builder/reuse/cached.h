/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CACHED_H
#define BUILDER_REUSE_CACHED_H

#include "cache/entry.h"
#include "cache/manifest.h"
#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_FINGERPRINTING */
enum transition fingerprint_enter(struct job *job);
/* JOB_RESTORING */
enum transition restore_enter(struct job *job);
/* JOB_STORING */
enum transition store_enter(struct job *job);
/* Makes the manifest of a traced build, when all of its commands have ended, and sets
 * job->reuse->manifest. If something changed while the build looked at it, what
 * JOB_STORING stored is dropped, and job->outcome.not_kept says why. */
void cached_observe(struct job *job);
/* Makes the entries that JOB_STORING stored, if any, available to other builds. */
void cached_commit(struct job *job);

/* Looks for the result of the job's build, whose key has been made. Returns true and
 * fills *ret (entry_done frees) and, if the result has one, *ret_manifest (manifest_done
 * frees). From any thread. */
bool cached_find(
	const struct job *job, struct entry *ret, struct manifest *ret_manifest);

/* Returns an empty struct reuse. reuse_free() frees. */
struct reuse *reuse_new(void);
/* NULL is allowed. */
void reuse_free(struct reuse *reuse);

#endif
