/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STAGING_H
#define BASE_STAGING_H

#include "base/error.h"

/* A stage is a directory in which something is prepared before it gets its name, or taken
 * apart after it has lost it. Its maker holds a flock on it: one that can be locked is a
 * leftover of a process that died. */

/* Makes the directory DIR/PREFIXxxxxxx, mode 0755, and locks it. dir must exist. *ret_path:
 * the caller frees, and removes the directory. *ret_lock: a descriptor to close when that
 * is done. */
int staging_make(const char *dir, const char *prefix, char **ret_path, int *ret_lock,
	struct error *err);
bool staging_is_leftover(const char *path);
/* Removes path if it is a leftover. Failing to is no harm. */
void staging_remove_leftover(const char *path);
/* Removes all leftovers in dir whose names begin with prefix. */
void staging_remove_leftovers(const char *dir, const char *prefix);

#endif
