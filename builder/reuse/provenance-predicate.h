/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_PROVENANCE_PREDICATE_H
#define BUILDER_REUSE_PROVENANCE_PREDICATE_H

#include <jansson.h>

#include "cache/manifest.h"
#include "builder/job/job.h"

/* Returns the predicate of a build (provenance.h describes it), which the caller frees.
 * manifest is what it has read; empty if that is not known. job->reuse has its key and
 * its entry, either may be empty. */
json_t *provenance_predicate(const struct job *job, const struct manifest *manifest);

#endif
