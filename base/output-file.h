/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_OUTPUT_FILE_H
#define BASE_OUTPUT_FILE_H

#include <stdio.h>

#include "base/error.h"

/* Files that root writes to a path which the user of dkms has named, such as /tmp/NAME. In
 * such a directory another user can make a link of that name, or of a directory on the way,
 * which leads to one of root's files. The kernel refuses to follow such a link only in some
 * directories, and only when fs.protected_symlinks is set.
 *
 * Links of root and of the user of dkms are followed. A link of somebody else that is the
 * last component is not; one before it is, if it leads to a directory which he could write
 * to himself. */

/* Opens the directory that the file at path is in, or is to be in, with O_PATH. Sets
 * *ret_name to the file's name there, which the caller frees: a new file that is renamed to
 * it replaces nothing else. Returns a descriptor, or a negative errno and err with status 9. */
int output_open_dir(const char *path, char **ret_name, struct error *err);
/* Returns a path of the file name in the directory that output_open_dir() has opened for path.
 * It stays valid while dir_fd is open, whatever others rename meanwhile; without /proc, where
 * descriptors have no path, it is path itself. The caller frees it. */
char *output_target(int dir_fd, const char *name, const char *path);
/* Opens the file at path for writing, and empties it. Refuses a link of another user, and a
 * file of another user in a directory where he can have made it; but /dev/stdout, /dev/stderr,
 * /dev/fd/N and /proc/self/fd/N are opened as they are. Returns NULL after a failure, with err
 * and status 1. */
FILE *output_open(const char *path, struct error *err);

#endif
