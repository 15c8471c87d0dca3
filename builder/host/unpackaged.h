/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_UNPACKAGED_H
#define BUILDER_HOST_UNPACKAGED_H

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"

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
/* Appends a line for each file that belongs to no package and that builds can see, and
 * for each file in more, a list of paths or NULL. The line has the file's path, mode,
 * size and times, but no digest of its content, because such files are often too large to
 * be read in each run. path is a PATH. Returns -E2BIG with status 1 if there are too many
 * files. */
int unpackaged_describe(
	const char *path, const char *more, struct str *ret, struct error *err);

#endif
