/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_UNPACKAGED_H
#define BUILDER_HOST_UNPACKAGED_H

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"

/* What is outside of the distribution: /usr/local, /opt, and what people have in / itself. */

/* Directories in / that no system has, which a build does not get to see. */
void unpackaged_list_hidden(struct strv *ret);
/* Of these, what is shown all the same: where tools of this PATH are. */
void unpackaged_list_tool_dirs(const char *path, struct strv *ret);
/* Whether a command names one of them, so that it must be seen. */
bool unpackaged_is_mentioned(const char *command);
/* Appends a line for each file that builds see there and in more, a list of paths or NULL, with
 * its stat data: what no package manager knows of is many a time too large to be read. path is
 * PATH. -E2BIG: there is too much of it even for that. */
int unpackaged_describe(const char *path, const char *more, struct str *ret, struct error *err);

#endif
