/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_KERNEL_MARK_H
#define BUILDER_TREE_KERNEL_MARK_H

#include "base/error.h"
#include "base/strv.h"

/* Has a run changed the modules of a kernel without finishing? A change is finished when
 * depmod(8) has run after it. A run that changes a kernel's tree sets a mark before, and
 * removes it at the end, so a later run knows what is to be finished:
 *
 *   .unfinished-RELEASE  in the dkms tree: while a run changes the modules, which holds a
 *                        shared flock(2) on this file. If nobody holds one, a run was
 *                        killed, the machine has crashed, or a change could not be undone.
 *   .depmod-RELEASE      the modules are complete, but depmod has failed
 */

enum kernel_mark_state {
	KERNEL_FINISHED,   /* or being changed by another process */
	KERNEL_NEEDS_DEPMOD,
	KERNEL_UNFINISHED, /* installed modules may be missing, or their scripts not run */
};

/* Returns what the marks say of a kernel. */
enum kernel_mark_state kernel_mark_read(const char *dkms_tree, const char *release);
/* Appends the releases of all kernels that have a mark. Returns 0 or a negative errno. */
int kernel_mark_list(const char *dkms_tree, struct strv *ret);

/* Sets the mark that the kernel is being changed, on disk, too. Does nothing if *fd is not
 * negative. Sets *fd to the descriptor that holds the lock. Errors have status 1. */
int kernel_mark_set(
	const char *dkms_tree, const char *release, int *fd, struct error *err);
/* Changes the marks to what is true at the end of a run, and closes *fd, which is
 * negative if this run has set no mark. As long as another process changes the kernel, the
 * mark that says so stays. Errors have status 1. */
int kernel_mark_finish(const char *dkms_tree, const char *release,
	enum kernel_mark_state state, int *fd, struct error *err);

#endif
