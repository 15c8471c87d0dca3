/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LISTING_H
#define CACHE_LISTING_H

#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* A directory with what is in it as text, so that the same text is the same content and two
 * of them can be compared line by line. A line for each entry, sorted by name within a
 * directory; times and owners do not count:
 *
 *   PATH file MODE DIGEST
 *   PATH link TARGET DIGEST     of the file it leads to, or - for none
 *   PATH dir MODE
 *   PATH unreadable
 *   PATH marker                 a file that is there for its name alone
 *
 * Blanks, control characters and backslashes in PATH and TARGET are written \ooo. What is
 * neither file, directory nor link is left out. */

/* Appends the directory path, whose entries are called NAME/... (without NAME if it is
 * empty). Links to directories are not followed. Returns 0 or a negative errno. */
int listing_add_dir(struct statcache *c, const char *path, const char *name,
	struct str *ret);
/* The same. Files with names in capitals, in directories below whose paths end in markers, are
 * not looked at: a kernel has thousands of empty ones in include/config. */
int listing_add_tree(struct statcache *c, const char *path, const char *name,
	const char *markers, struct str *ret);
/* Appends one line, for a file called name; "NAME missing" when there is none. */
void listing_add_file(struct statcache *c, const char *path, const char *name, struct str *ret);
/* Appends text with the escapes described above. */
void listing_add_escaped(struct str *ret, const char *text);

/* Compares two texts whose lines begin with a name of their own and a blank, listings among
 * them: appends "NAME differs", "NAME is new" and "NAME is gone", at most max of them, sorted
 * by name. Returns how many there are. */
size_t listing_differences(const char *old, const char *new, size_t max, struct strv *ret);

#endif
