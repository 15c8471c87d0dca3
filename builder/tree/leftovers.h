/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_LEFTOVERS_H
#define BUILDER_TREE_LEFTOVERS_H

#include "builder/host/settings.h"

/* A mark in a dkms tree, by which a later process can tell that this one was killed while
 * it built. */
struct run_mark {
	char *path; /* a directory in the tree; NULL: not set */
	int lock;   /* a descriptor that keeps it locked while this process lives */
};

/* The beginning of the names of temporary directories in the dkms tree, and in the source
 * tree: see base/staging.h. */
#define TREE_STAGE ".stage-"
#define SOURCE_STAGE ".dkms-"
/* The same for those in the directory for temporary files. */
#define DEPMOD_STAGE "dkms-depmod-"
#define PACKAGE_STAGE "dkms-package-"

/* Sets a mark. Ignores failures: a build will report what is wrong with the tree. */
void leftovers_mark_run(const char *dkms_tree, struct run_mark *ret);
/* Removes the mark after all builds have ended. Does nothing if it is not set. */
void leftovers_unmark_run(struct run_mark *m);

/* Sets a mark that stays, because this process could not remove a temporary directory. */
void leftovers_expect(const char *dkms_tree);

/* Returns whether such a mark, or the mark of a killed process, is in the tree. */
bool leftovers_exist(const char *dkms_tree);
/* If such a mark, or the mark of a killed process, is in the tree, removes what other
 * processes have left in the trees and in tmp_location. Does not touch what running
 * processes use. Ignores failures. */
void leftovers_remove(const struct settings *s);

#endif
