/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FIXED_FILES_H
#define BUILDER_REUSE_FIXED_FILES_H

#include "builder/job/job.h"

/* The files of a package on which all of its objects depend, because they can have decided
 * what its build does. fixed-files.c says which ones. */

/* Watches the files that are in the build directory before make, which is about to run.
 * job->reuse->objects has their listing. */
void fixed_files_watch(const struct job *job);
/* After make: appends the paths of the files as they are in that listing. */
void fixed_files_list(const struct job *job, struct strv *ret);

#endif
