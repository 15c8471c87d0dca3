/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_UPGRADE_MARK_H
#define BUILDER_TREE_UPGRADE_MARK_H

#include "base/error.h"

/* --rpm_safe_upgrade. When a package goes from one release to another and its module keeps
 * NAME/VERSION, rpm first runs the new package's script, which adds the version, and then
 * the old one's, which removes it: in the end nothing would be left. So add leaves a mark,
 * and remove spares what is marked.
 *
 * A mark is the file NAME/VERSION/.upgrade in the dkms tree. It holds, on one line, the
 * process id and the start time (field 22 of /proc/PID/stat) of the process that runs the
 * script, our parent's parent, and the id of this boot. It counts for nobody but that
 * process, and once; one that was never asked for means nothing to the next upgrade. Only
 * who may write to the tree can make one. */

/* Leaves a mark for a version that is in the tree; 0 or a negative errno. */
int upgrade_mark_set(const char *dkms_tree, const char *name, const char *version,
	struct error *err);
/* True when the version has a mark by the process that runs our script. The mark is gone
 * afterwards. */
bool upgrade_mark_take(const char *dkms_tree, const char *name, const char *version);

#endif
