/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_UPGRADE_MARK_H
#define BUILDER_TREE_UPGRADE_MARK_H

#include "base/error.h"

/* Implements --rpm_safe_upgrade. If a package is upgraded to another release whose module
 * has the same NAME/VERSION, rpm first runs the script of the new package, which adds the
 * version, and then the script of the old package, which removes it, so that nothing
 * would be left. Therefore dkms add sets a mark, and dkms remove leaves a version with a
 * mark alone.
 *
 * The mark is the file NAME/VERSION/.upgrade in the dkms tree. Its only line consists of
 * the process id and the start time (field 22 of /proc/PID/stat) of the process that runs
 * the script, which is the parent of this process's parent, and of the id of this boot.
 * The mark is valid only for scripts of that process, and only once: a mark that no
 * remove has used has no effect on the next upgrade. Only those who may write to the tree
 * can set it. */

/* Sets the mark of a version that is in the tree. Returns 0 or a negative errno. */
int upgrade_mark_set(const char *dkms_tree, const char *name, const char *version,
	struct error *err);
/* Tells whether the version has a mark of the process that runs this script, and removes
 * that mark. */
bool upgrade_mark_take(const char *dkms_tree, const char *name, const char *version);

#endif
