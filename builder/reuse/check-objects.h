/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CHECK_OBJECTS_H
#define BUILDER_REUSE_CHECK_OBJECTS_H

#include "builder/reuse/objects.h"

/* To be called after make has succeeded, on a thread, because it looks at every file of
 * the build directory. Returns false if the restored objects may not be those that make
 * would have compiled: if make left other files, apart from objects, than the build that
 * compiled them did, or if it changed files that they depend on. */
bool objects_are_valid(const struct job *job);

/* The following functions say what make did in the build directory. */

/* Returns a digest of the names of all files in it, without those that kbuild always
 * makes, and of the targets of the links that existed before make. It is the first word
 * of the note of pieces. The caller frees. */
char *objects_digest_made_files(const struct job *job);
/* Whether the object was restored, and make did not compile it again. */
bool objects_was_reused(const struct job *job, const char *name);
/* Whether the file at path is still what it was before make: listed is its line in the
 * listing of the inputs. */
bool objects_file_is_unchanged(
	const struct job *job, const char *path, const char *listed);
/* Whether a link that make created is on the way to the path, or on the way to the target
 * of a link on this way. */
bool objects_path_has_new_link(const struct objects *o, const char *path);

#endif
