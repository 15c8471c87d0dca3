/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_MOUNTS_H
#define BUILDER_RUN_MOUNTS_H

#include "base/util.h"

/* The mounts that a process sees: proc_pid_mountinfo(5). */

struct mount {
	long id, parent;
	char *device; /* "MAJOR:MINOR" */
	char *root;   /* the directory or file of the device that is mounted */
	char *place;  /* where it is mounted */
	char *type;   /* of the file system: "ext4" */
	bool writable;
};

struct mounts {
	struct mount *items; /* in the order in which they were mounted */
	size_t n;
};

/* Reads the text of a mountinfo file, which is changed. mounts_done() frees. Returns 0,
 * or -EBADMSG if it is malformed. */
int mounts_parse(char *text, struct mounts *ret);
void mounts_done(struct mounts *m);

/* Returns the mount with that number, or NULL. */
const struct mount *mounts_find(const struct mounts *m, long id);
/* Returns the mount that an absolute path without links leads to, or NULL. */
const struct mount *mounts_at(const struct mounts *m, const char *path);
/* Whether paths lead to the mount: no other one is over it, or over a directory above. */
bool mounts_is_visible(const struct mounts *m, const struct mount *mount);
/* Whether some file can be reached on two visible mounts, at different paths, so that one
 * inode has two names. Devices do not count. */
bool mounts_have_second_names(const struct mounts *m);

#endif
