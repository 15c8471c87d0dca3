/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <sys/stat.h>

#include "base/util.h"

/* Root may read everything. Where another user can decide what is at a path, by a link or
 * by a directory that he may write to, root must not read for him what he could not read:
 * what root copies from there becomes readable in a build, a package or an archive.
 *
 * A guard knows for whom root reads. It lets pass what others may read, and files of that
 * user. For dkms that is not run by root it lets everything pass. */

struct read_guard {
	bool active; /* somebody else than root can decide what is read */
	uid_t owner; /* who; 0 if it is a group that may write to a directory of root's */
	bool several; /* more than one of them can: only what all may read passes */
	bool by_link; /* a link of theirs led there */
	bool exchangeable; /* they can make the path lead elsewhere at any time */
};

/* Opens the file or directory at path, with the flags of open(2) and O_CLOEXEC. Links are
 * followed one by one, and the guard becomes active at the first link or directory that
 * others than root own or may write to. Returns a descriptor or a negative errno; -EPERM
 * if the guard does not let it pass, or a directory on the way to it. */
int guard_open(const char *path, int flags, struct read_guard *ret);
/* Does the same to read a regular file, and sets *st; -EINVAL if it is something else. */
int guard_open_file(const char *path, struct read_guard *ret, struct stat *st);
/* Opens what is at path, with O_PATH, so that it can be shown to a command: by its mount, a
 * directory can be reached that others may not reach by its path. So this refuses also what
 * a link of another user leads to, but for his own files, and the files in /usr and /lib that
 * all may read. guard says who has chosen the path ({0}: root), and is brought up to date.
 * Sets *ret_real to the path without links, which the caller frees. Returns what guard_open()
 * does. */
int guard_resolve(const char *path, struct read_guard *guard, char **ret_real);
/* Adds to the guard that what st describes decides on what is read next: the directory, link
 * or text that names it. */
void guard_enter(struct read_guard *guard, const struct stat *st);
/* Returns whether what st describes belongs to him for whom the guard reads. */
bool guard_is_of_owner(const struct read_guard *guard, const struct stat *st);
/* Returns whether the guard lets pass what st describes, in the directory dir. */
bool guard_allows(
	const struct read_guard *guard, const struct stat *dir, const struct stat *st);
/* Returns whether somebody else than root owns the file or directory, or may write to it.
 * Root outside of the user namespace of dkms counts as root. */
bool guard_is_of_others(const struct stat *st);
/* Returns whether root owns it. */
bool guard_is_of_root(const struct stat *st);

#endif
