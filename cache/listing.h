/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LISTING_H
#define CACHE_LISTING_H

#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* A directory with what is in it as text, so that the same text is the same content and two
 * of them can be compared line by line. A line for each entry, sorted by name within a
 * directory, markers first; times and owners do not count:
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

/* What was looked at to make a listing. A link is reported twice: as LISTING_ENTRY, then as one of
 * the others. */
enum listing_event {
	LISTING_ENTRY,	    /* a file, directory or link itself */
	LISTING_TARGET,	    /* the regular file that a link leads to */
	LISTING_NO_TARGET,  /* a link leads to nothing or to no regular file; st is NULL */
	LISTING_UNREADABLE, /* a file or directory that cannot be read */
};

struct listing_observer {
	/* path: below the directory that is listed; "" for that directory, which comes first. */
	void (*on_event)(void *userdata, enum listing_event event, const char *path,
		const struct stat *st);
	void *userdata;
};

/* The same as listing_add_dir, and tells an observer, if there is one, what it looks at. With
 * markers, a regular file is listed as a marker and not looked at when its name has only capitals,
 * digits and underscores, and the path of its directory in the listing ends in markers: a kernel has
 * thousands of such empty files in include/config. */
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
