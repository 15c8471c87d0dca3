/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_LOAD_H
#define BUILDER_ADD_LOAD_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* JOB_LOADING and JOB_CLEANING_LOAD */
enum transition load_enter(struct job *job);
enum transition load_clean_enter(struct job *job);

/* Checks whether a version in that state may be replaced by the one in the archive.
 * Returns 0, or -EEXIST and job->outcome.error if it may not: --force is needed. */
int load_check_state(struct job *job, enum tree_state state);
/* The work of JOB_REGISTERING for an archive: moves the unpacked source to the source
 * tree and registers the version. Returns 0, or a negative errno and job->outcome.error.
 */
int load_register_work(struct job *job);
/* Returns whether the version has no source: the archive has none, and the system
 * neither. */
bool load_is_sourceless(const struct job *job);
/* Frees the state of loading an archive. NULL is allowed. */
void load_free(struct load *load);

#endif
