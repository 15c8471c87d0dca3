/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_ORIGINALS_H
#define BUILDER_INSTALL_ORIGINALS_H

#include "builder/install/destinations.h"
#include "builder/install/undo.h"
#include "builder/job/job.h"

/* If another package has replaced the file f of the version that was installed before, it has saved f
 * as its original. It gets the original of f instead, before this package replaces and saves that
 * package's file: otherwise each of them would have saved the other's, and the original would be lost.
 * f is kept until the files in to_remove are removed. Returns 0, or a negative errno and the job's
 * error. */
int originals_take_back(struct job *job, struct undo_list *undo, const struct destination *f,
	struct strv *to_remove);
/* Moves the foreign files of job->outcome.saved back to where they were, if there is none by now. After
 * an install that is undone. Returns 0, or a negative errno and the job's error. */
int originals_move_back(struct job *job);
/* Moves the foreign modules, whose paths in the kernel's tree are given, to the dkms tree,
 * each with a file ".origin" that has its path. One of them counts as the original: if there are
 * several, the one in extra/, else in updates/, else in the directory of f. All others go below
 * "collisions", and so does an original if one from another path is there already. One from the
 * same path is older, and takes a temporary name, which is appended to replaced. Returns 0, or a
 * negative errno and the job's error. */
int originals_save(struct job *job, struct undo_list *undo, const struct destination *f,
	const struct strv *foreign, struct strv *replaced);

#endif
