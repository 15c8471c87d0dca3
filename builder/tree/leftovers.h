/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_LEFTOVERS_H
#define BUILDER_TREE_LEFTOVERS_H

/* What tells the next process that this one was killed while it built in a dkms tree. */
struct run_mark {
	char *path;
	int lock;
};

/* Marks the tree. Failing to is no harm: a build will say what is wrong with the tree. */
void leftovers_mark_run(const char *dkms_tree, struct run_mark *ret);
/* When all builds have ended; a mark that was not set is allowed. */
void leftovers_unmark_run(struct run_mark *m);

/* Removes what killed processes have left of builds in the tree, if there is a mark of one.
 * What living ones work on stays. Failing to is no harm. */
void leftovers_remove(const char *dkms_tree);

#endif
