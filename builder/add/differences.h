/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ADD_DIFFERENCES_H
#define BUILDER_ADD_DIFFERENCES_H

#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/* Appends the paths, relative to from, of what is in the directory from and missing or
 * different in its copy, and, with extra, of what is only in the copy; sorted. Compares
 * the content of files, whether they are executable, and the targets of links. Leaves out
 * the directories of version control: .git and the like. Returns 0, or a negative errno with
 * status 1; -EPERM if another user decides what is in from, and he may not read it: a link in
 * the path from counts as his, so it is not resolved before. */
int differences_list(const char *from, const char *copy, bool extra, struct strv *ret,
	struct error *err);

/* Returns the path, relative to dir, of a file in dir that was changed after the time
 * since_ns (since 1970), or NULL if there is none or dir cannot be read. Leaves out the same
 * directories. The caller frees. */
char *differences_find_newer(const char *dir, int64_t since_ns);

#endif
