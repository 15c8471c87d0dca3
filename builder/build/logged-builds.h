/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_LOGGED_BUILDS_H
#define BUILDER_BUILD_LOGGED_BUILDS_H

#include <stdint.h>

#include "builder/build/buildlog.h"
#include "builder/host/settings.h"
#include "builder/tree/tree.h"

/* Which builds have left a log? One that fails leaves NAME/VERSION/build/RELEASE-ARCH/make.log,
 * and the next one that succeeds removes it. That of what is built is beside its modules. */

struct logged_build {
	char *name, *version, *release, *arch;
	char *log;      /* the path of the log */
	int64_t when_s; /* when it was written last, in seconds since 1970 */
};

struct logged_builds {
	struct logged_build *items; /* those of one version follow each other */
	size_t n;
};

/* Append the builds in the dkms tree that pass the filter (NULL: all): those that have failed,
 * without those for kernels that are gone from the install tree; and those whose modules are
 * in the tree. logged_builds_done() frees. Return 0, or a negative errno with status 1 and the
 * path that cannot be read. */
int logged_builds_list_failed(const struct settings *s, const struct tree_filter *filter,
	struct logged_builds *ret, struct error *err);
int logged_builds_list_built(const struct settings *s, const struct tree_filter *filter,
	struct logged_builds *ret, struct error *err);
void logged_builds_done(struct logged_builds *l);
/* Returns the one whose log is the newest, or NULL if there is none. */
const struct logged_build *logged_builds_newest(const struct logged_builds *l);

/* Reads the log of a build, or the last 64 MiB of a longer one, and summarizes it.
 * buildlog_summary_done() frees. Returns 0, or a negative errno and err. */
int logged_build_read(const struct settings *s, const struct logged_build *b, struct str *ret_text,
	struct buildlog_summary *ret, struct error *err);

#endif
