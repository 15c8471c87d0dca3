/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_TREE_CHANGE_H
#define BUILDER_TREE_TREE_CHANGE_H

#include "base/error.h"
#include "builder/tree/tree.h"

/* These functions change the dkms tree that tree.h describes, by renames: after a crash a reader sees the state before
 * or the state after. Errors of the file system have status 1. Two changes of one package
 * at the same time are for the caller to prevent. */

/* Registers NAME/VERSION: makes its directory and the source link, or repairs the link
 * when it dangles or is missing. -EEXIST (status 3) when it is there and not broken;
 * -ENOTEMPTY (3) when a directory is in its place. */
int tree_add(const char *dkms_tree, const char *name, const char *version,
	const char *source, struct error *err);
/* The same in two steps, for a version that comes with what is built for it: between
 * them, RELEASE/ARCH directories are put into *ret_stage (the caller frees), which the
 * second step makes NAME/VERSION by one rename. -EEXIST (status 3) when it is there in
 * any state. When it fails, or is not called, tree_remove_stage. */
int tree_stage_version(const char *dkms_tree, const char *name, const char *version,
	char **ret_stage, int *ret_lock, struct error *err);
int tree_add_staged(const char *dkms_tree, const char *name, const char *version,
	const char *source, const char *stage, struct error *err);
/* Removes a stage, and NAME when there is nothing else in it. */
void tree_remove_stage(const char *dkms_tree, const char *name, const char *stage);
/* Forgets NAME/VERSION with all that is built, and NAME when nothing else is left of it.
 * 0 when it is not there. */
int tree_forget(
	const char *dkms_tree, const char *name, const char *version, struct error *err);

/* Makes an empty directory below NAME/VERSION, in which to prepare what tree_publish will
 * publish. *ret_path: the caller frees. *ret_lock: a descriptor to close when done; until
 * then nobody takes the directory for a leftover, which the next stage or publish of the
 * same version removes. */
int tree_stage_build(const char *dkms_tree, const char *name, const char *version,
	char **ret_path, int *ret_lock, struct error *err);
/* Moves a finished directory (module/, log/) to RELEASE/ARCH by one rename, replacing
 * an older one. It must be on the tree's file system; the modules are synced to disk. */
int tree_publish(const char *dkms_tree, struct version_on_kernel on, const char *finished,
	struct error *err);
/* Removes RELEASE/ARCH, first making it invisible by one rename. 0 when not there. */
int tree_unpublish(
	const char *dkms_tree, struct version_on_kernel on, struct error *err);
/* Sets or removes the link that says "installed". One that leads to another version is
 * replaced when set, left alone when removed. */
int tree_set_installed(const char *dkms_tree, struct version_on_kernel on, bool installed,
	struct error *err);

#endif
