/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_RECORD_H
#define BUILDER_INSTALL_RECORD_H

#include "builder/tree/installed-files.h"
#include "builder/install/destinations.h"

/* A change of the record of the installed files (tree/installed-files.h), for a change of the
 * kernel's directory. The caller holds the kernel's lock. */
struct record_change {
	struct installed_files before, after;
	bool existed; /* there was a record before */
};

/* Writes a record of what is there and of what is going to be there: for each element of now
 * whose element of sources is not NULL, the content of that file. If there was no record before,
 * but previous is not empty, as in the tree of another version of dkms, what is there is found in
 * previous. Returns 0, or a negative errno and job->outcome.error, with the record as it was.
 * record_change_done() frees *ret in both cases. */
int record_begin(struct job *job, const struct destinations *previous,
	const struct destinations *now, char *const *sources, struct record_change *ret);
/* After the change: writes what is there now. If that cannot be written, the record of
 * record_begin() stays, which is right as well. */
void record_commit(struct job *job, const struct record_change *c);
/* After the change was undone: writes what was there before. */
void record_undo(struct job *job, const struct record_change *c);
void record_change_done(struct record_change *c);

#endif
