/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_TREE_CHANGE_H
#define BUILDER_TREE_TREE_CHANGE_H

#include "base/error.h"
#include "builder/tree/tree.h"

/* These functions change the dkms tree, which tree.h describes. They do so by renames, so
 * that a reader sees the state before or the state after, also after a crash. Errors of
 * the file system have status 1. The caller has to prevent two changes of one module at
 * the same time. */

enum tree_add_flags {
	/* The script POST_ADD has to be run: makes the mark .post-add, which
	 * tree_has_add_mark() looks for. */
	TREE_ADD_MARK = 1 << 0,
	/* The version was broken before the caller put its source back. */
	TREE_ADD_REPAIR = 1 << 1,
};

/* Adds NAME/VERSION: makes its directory and the link source to the directory source, or
 * repairs the link if it leads nowhere or is missing. Returns -EEXIST with status 3 if
 * the version is known and not broken, and -ENOTEMPTY with status 3 if there is a
 * directory in place of the link. If it fails, there is no mark. */
int tree_add(const char *dkms_tree, const char *name, const char *version,
	const char *source, enum tree_add_flags flags, struct error *err);
/* The first returns whether POST_ADD of the version has not run to its end, because dkms
 * was killed, or is running. The second removes the mark that says so. */
bool tree_has_add_mark(const char *dkms_tree, const char *name, const char *version);
int tree_remove_add_mark(const char *dkms_tree, const char *name, const char *version,
	struct error *err);
/* These two add a version together with modules that were built for it. The first makes a
 * temporary directory, *ret_stage, which the caller frees and fills with RELEASE/ARCH
 * directories. Until the descriptor *ret_lock is closed, no process takes it for a
 * leftover. The second makes it NAME/VERSION by one rename. It returns -EEXIST with
 * status 3 if the version exists in any state. Unless it succeeds, the caller calls
 * tree_remove_stage(). */
int tree_stage_version(const char *dkms_tree, const char *name, const char *version,
	char **ret_stage, int *ret_lock, struct error *err);
int tree_add_staged(const char *dkms_tree, const char *name, const char *version,
	const char *source, const char *stage, struct error *err);
/* Removes a temporary directory, and NAME if that is empty then. */
void tree_remove_stage(const char *dkms_tree, const char *name, const char *stage);
/* Removes NAME/VERSION with all that is built, and NAME if nothing else is left of it.
 * Returns 0 if the version does not exist. */
int tree_forget(
	const char *dkms_tree, const char *name, const char *version, struct error *err);

/* Makes an empty temporary directory in NAME/VERSION, in which the caller prepares what
 * tree_publish() publishes. The caller frees *ret_path. Until the caller closes the
 * descriptor *ret_lock, no process takes the directory for a leftover; later, the next
 * tree_stage_build() or tree_publish() of the same version removes it. */
int tree_stage_build(const char *dkms_tree, const char *name, const char *version,
	char **ret_path, int *ret_lock, struct error *err);
/* Moves a finished directory with module/ and log/ to RELEASE/ARCH by one rename,
 * replacing an older one, after writing the modules to disk. The directory must be on the
 * file system of the tree. */
int tree_publish(const char *dkms_tree, struct version_on_kernel on, const char *finished,
	struct error *err);
/* Removes RELEASE/ARCH. One rename hides it before. Returns 0 if it does not exist. */
int tree_unpublish(
	const char *dkms_tree, struct version_on_kernel on, struct error *err);
/* Makes or removes the link that says that the version is installed. Making it replaces a
 * link to another version; removing does not remove such a link. */
int tree_set_installed(const char *dkms_tree, struct version_on_kernel on, bool installed,
	struct error *err);

#endif
