/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBSERVED_LINKS_H
#define BUILDER_REUSE_OBSERVED_LINKS_H

#include "cache/manifest.h"
#include "builder/job/job.h"

/* Adds to a manifest with files and directories how they can be reached: the links,
 * programs and absent files that observed.h describes. Returns NULL, or a link or directory
 * that was changed while the build ran, so that it is unknown which files it led to; the
 * caller frees. */
char *observed_add_links(const struct job *job, struct manifest *m);

#endif
