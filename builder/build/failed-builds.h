/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_FAILED_BUILDS_H
#define BUILDER_BUILD_FAILED_BUILDS_H

#include <stdint.h>

#include "builder/tree/tree.h"

/* Which builds have failed? A build that fails leaves its log as
 * NAME/VERSION/build/RELEASE-ARCH/make.log, and the next one that succeeds removes it. */

struct failed_build {
	char *name, *version, *release, *arch;
	char *log;      /* the path of the log */
	int64_t when_s; /* when it was written last, in seconds since 1970 */
};

struct failed_builds {
	struct failed_build *items; /* those of one version follow each other */
	size_t n;
};

/* Appends the failed builds in a dkms tree that pass the filter (NULL: all), without those for
 * kernels that are gone from install_tree. failed_builds_done() frees. Returns 0, or a negative
 * errno with status 1 and the path that cannot be read. */
int failed_builds_list(const char *dkms_tree, const char *install_tree,
	const struct tree_filter *filter, struct failed_builds *ret, struct error *err);
/* Appends a build; the strings are copied. */
void failed_builds_push(struct failed_builds *f, struct version_on_kernel on, const char *log,
	int64_t when_s);
void failed_builds_done(struct failed_builds *f);
/* Returns the one whose log is the newest, or NULL if there is none. */
const struct failed_build *failed_builds_newest(const struct failed_builds *f);

#endif
