/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_DIR_COPY_H
#define BASE_DIR_COPY_H

#include <sys/types.h>

#include "base/error.h"

/* Copies a directory with its content: files and directories with times and the modes of
 * FILE_COPIED_MODE, and links as links; other types of files are left out. -ENAMETOOLONG if a directory below
 * from has a path of PATH_MAX bytes or more. The parent of to must exist; to must
 * not exist, and must not be inside from (-ELOOP). The copies belong to uid and gid, or
 * to the caller if uid is (uid_t)-1. */
int dir_copy(const char *from, const char *to, uid_t uid, gid_t gid, struct error *err);
/* Does the same for a directory that others than root may have a hand in, such as the source
 * of a module, of which root makes a copy that others can read: base/guard.h guards what is
 * read. -EPERM, with an error that names the file, for what is neither readable by all nor
 * theirs. *ret_by_others, unless it is NULL, tells whether others than root can change what
 * was copied, or what is at from. */
int dir_copy_guarded(const char *from, const char *to, uid_t uid, gid_t gid,
	bool *ret_by_others, struct error *err);

#endif
