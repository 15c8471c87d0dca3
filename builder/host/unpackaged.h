/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_UNPACKAGED_H
#define BUILDER_HOST_UNPACKAGED_H

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* Files that belong to no package: those in /usr/local, in /opt, in / itself, and in
 * directories of / that only this machine has. */

/* Appends the directories in / that no distribution has. The sandbox hides them. */
void unpackaged_list_hidden(struct strv *ret);
/* Appends, sorted, the directories inside hidden ones that the sandbox shows
 * nevertheless, because path, a PATH, leads there: tools and the files that belong to
 * them. */
void unpackaged_list_tool_dirs(const char *path, struct strv *ret);
/* Tells whether a command mentions a path inside a hidden directory. */
bool unpackaged_is_mentioned(const char *command);
/* Appends the listings of the directories with files that belong to no package and that
 * builds can see, of the paths in more, a list or NULL, and of /, as in cache/listing.h.
 * Each path that it has looked at has a line. Private files in / are listed without their
 * content, because builds cannot read them. path is a PATH. Returns 0, or a negative errno
 * and err: -E2BIG if there are too many files, or too large ones. */
int unpackaged_describe(struct statcache *stats, const char *path, const char *more,
	struct str *ret, struct error *err);

#endif
