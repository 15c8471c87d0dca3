/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_LEFTOVERS_H
#define BUILDER_TREE_LEFTOVERS_H

/* A mark in a dkms tree, by which a later process can tell that this one was killed while
 * it built. */
struct run_mark {
	char *path; /* a directory in the tree; NULL: not set */
	int lock;   /* a descriptor that keeps it locked while this process lives */
};

/* Sets a mark. Ignores failures: a build will report what is wrong with the tree. */
void leftovers_mark_run(const char *dkms_tree, struct run_mark *ret);
/* Removes the mark after all builds have ended. Does nothing if it is not set. */
void leftovers_unmark_run(struct run_mark *m);

/* If the mark of a killed process is in the tree, removes what killed processes have left
 * of their builds. Does not touch the builds of running processes. Ignores failures. */
void leftovers_remove(const char *dkms_tree);

#endif
