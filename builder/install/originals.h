/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_ORIGINALS_H
#define BUILDER_INSTALL_ORIGINALS_H

#include "builder/install/destinations.h"
#include "builder/install/undo.h"
#include "builder/job/job.h"

/* Moves the foreign modules, whose paths in the kernel's tree are given, to the dkms tree,
 * each with a file ".origin" that has its path. One of them counts as the original: if there are
 * several, the one in extra/, else in updates/, else in the directory of f. All others go below
 * "collisions", and so does an original if one from another path is there already. One from the
 * same path is older, and takes a temporary name, which is appended to replaced. Returns 0, or a
 * negative errno and the job's error. */
int originals_save(struct job *job, struct undo_list *undo, const struct destination *f,
	const struct strv *foreign, struct strv *replaced);

#endif
