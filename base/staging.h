/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STAGING_H
#define BASE_STAGING_H

#include "base/error.h"

/* Staging directories: something is put together in one before it is renamed to its final
 * name, or is moved into one to be removed. The process that makes the directory holds a
 * flock(2) on it, so a staging directory that another process can lock was left behind by
 * a process that died. Other users may pass through the directory, but cannot read it, so
 * they cannot lock it. */

/* Makes the directory DIR/PREFIXxxxxxx with mode 0711 and locks it. dir must exist. Sets
 * *ret_path, which the caller frees after removing the directory, and *ret_lock, a
 * descriptor that the caller closes after that. Returns 0 or a negative errno. */
int staging_make(const char *dir, const char *prefix, char **ret_path, int *ret_lock,
	struct error *err);
bool staging_is_leftover(const char *path);
/* Removes path if it was left behind. Failures are ignored. */
void staging_remove_leftover(const char *path);
/* Removes everything that was left behind in dir and whose name begins with prefix. */
void staging_remove_leftovers(const char *dir, const char *prefix);
/* Removes the temporary files that file_write(), file_copy(), file_copy_fd() and link_write() of
 * killed processes have left beside path: ".NAME.PID-NUMBER". The caller has to make sure that no
 * running process writes to path. Ignores failures. */
void staging_remove_temporaries(const char *path);

#endif
