/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBSERVED_VALUES_H
#define BUILDER_REUSE_OBSERVED_VALUES_H

#include "cache/manifest.h"
#include "builder/job/job.h"

/* Returns the path outside of the sandbox of what the build sees at path: path itself for
 * everything that the sandbox shows in its own place. The caller frees. */
char *observed_real_path(const struct job *job, const char *path);

/* The fact of this name and a name of a module: where the kernel has such a module that
 * did not come with it. */
#define OBSERVED_MODULE "module "
/* The fact of this name and the beginning of a path: which names in its directory begin so. */
#define OBSERVED_NAMES "names "

/* An item whose value is not the one in a manifest. */
struct observed_change {
	const struct manifest_item *item; /* belongs to the manifest */
	char *value;                      /* what it is now; "-" if there is none */
};

/* Compares the items of a manifest with what a build of the job would see now. Appends at
 * most max changes to an array that the caller frees with each value. Returns their
 * number. Inputs are not compared: they are in the key. */
size_t observed_find_changes(const struct job *job, const struct manifest *m,
	struct observed_change *ret, size_t max);

/* Returns the value of an item as a build of the job would see it now, "-" if there is
 * none. The caller frees. */
char *observed_value(const struct job *job, enum manifest_kind kind, const char *path);

#endif
