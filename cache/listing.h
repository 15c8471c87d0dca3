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

/* What a listing was made from: of a link, itself and then what it leads to. */
enum listing_sight {
	LISTING_ITSELF,
	LISTING_TARGET,	   /* a regular file */
	LISTING_NO_TARGET, /* anything else; st is NULL */
	LISTING_UNREADABLE,
};

struct listing_observer {
	/* Of dir/name, or of dir, which is as in the listing, when name is "". */
	void (*see)(void *userdata, enum listing_sight sight, const char *dir,
		const char *name, const struct stat *st);
	void *userdata;
};

/* The same as listing_add_dir, and tells an observer, if there is one. Files with names in
 * capitals, in directories below whose paths end in markers, are not looked at: a kernel has
 * thousands of empty ones in include/config. */
int listing_add_tree(struct statcache *c, const char *path, const char *name,
	const char *markers, const struct listing_observer *observer, struct str *ret);
/* Appends one line, for a file called name; "NAME missing" when there is none. */
void listing_add_file(struct statcache *c, const char *path, const char *name, struct str *ret);
/* Appends text with the escapes described above. */
void listing_add_escaped(struct str *ret, const char *text);

/* Compares two texts whose lines begin with a name of their own and a blank, listings among
 * them: appends "NAME differs", "NAME is new" and "NAME is gone", at most max of them, sorted
 * by name. Returns how many there are. */
size_t listing_differences(const char *old, const char *new, size_t max, struct strv *ret);

#endif
