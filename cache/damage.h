/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_DAMAGE_H
#define CACHE_DAMAGE_H

#include "base/strv.h"

/* The damaged files that this run has found in its cache. Each is removed at once, and
 * what was in it is made again when it is needed, so that damage never makes a result
 * wrong. At the end the user is told, because disks that damage one file may damage
 * others. Any thread may call these functions. */
struct damage;

/* Returns an empty list; damage_free() frees it, also NULL. */
struct damage *damage_new(void);
void damage_free(struct damage *d);

/* From now on, damaged files are noted and stay: dkms doctor changes nothing. */
void damage_keep_files(struct damage *d);
/* Removes the damaged file (or directory, or link) at path, and adds it to the list. With
 * NULL for d it is only removed. */
void damage_add(struct damage *d, const char *path);
/* Does the same for a file with another problem: what says, after the path and a space,
 * what is wrong, such as "lacks an object". */
void damage_add_other(struct damage *d, const char *path, const char *what);
/* Adds a file to the list without removing it: it "cannot be read: Permission denied". */
void damage_note(struct damage *d, const char *path, const char *what);
/* Appends the paths of the files, in the order in which they were found, and for each
 * what was wrong and was done: "was damaged and has been removed". */
void damage_list(struct damage *d, struct strv *ret_files, struct strv *ret_what);
/* Returns the same in one line, with the first path only; NULL if there was no damage.
 * The caller frees it. */
char *damage_describe(struct damage *d);

#endif
