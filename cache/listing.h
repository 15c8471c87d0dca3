/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LISTING_H
#define CACHE_LISTING_H

#include "base/str.h"
#include "base/strv.h"
#include "base/walk.h"
#include "cache/statcache.h"

/* A listing describes the content of a directory as text. The same text means the same
 * content, and two listings can be compared line by line. There is a line for each entry,
 * sorted by name within a directory, markers first. Times and owners are not in it:
 *
 *   PATH file MODE DIGEST
 *   PATH link TARGET DIGEST     digest of the file that it leads to, - if there is none
 *   PATH dir MODE
 *   PATH unreadable
 *   PATH marker                 a file of which only the name counts
 *
 * Spaces, control characters and backslashes in PATH and TARGET are written as \ooo.
 * Other types of files are left out. */

/* Appends the listing of the directory path to ret. The paths of its entries begin with
 * NAME/, unless name is empty. Links to directories are not followed. Returns 0 or a
 * negative errno. */
int listing_add_dir(
	struct statcache *c, const char *path, const char *name, struct str *ret);

/* Something that was looked at for a listing. A link is reported twice, first as
 * LISTING_ENTRY. */
enum listing_event {
	LISTING_ENTRY,     /* a file, directory or link itself */
	LISTING_TARGET,    /* the regular file that a link leads to */
	LISTING_NO_TARGET, /* a link leads nowhere or not to a regular file; st is NULL */
	LISTING_UNREADABLE, /* a file or directory that cannot be read */
};

struct listing_observer {
	/* path is relative to the listed directory, which is reported first, as "". */
	void (*on_event)(void *userdata, enum listing_event event, const char *path,
		const struct stat *st);
	void *userdata;
};

/* Does the same, and reports to observer, if that is not NULL, what it looks at. If
 * markers is not NULL, a regular file is listed as a marker, without looking at it, when
 * its name has only capitals, digits and underscores and the path of its directory in the
 * listing ends in markers: include/config of a kernel has thousands of such empty files.
 */
int listing_add_tree(struct statcache *c, const char *path, const char *name,
	const char *markers, const struct listing_observer *observer, struct str *ret);
/* Returns whether such a listing of the directory dir, under that name, has the entry as a
 * marker. */
bool listing_is_marker(const char *dir, const char *markers, const struct walk_entry *e);
/* Appends one line for the file at path, under the given name; "NAME missing" if there is
 * no such file. */
void listing_add_file(
	struct statcache *c, const char *path, const char *name, struct str *ret);
/* Appends text with the escapes described above. */
void listing_add_escaped(struct str *ret, const char *text);

/* A line of a text that differs from the line of that name in another text. */
struct listing_change {
	char *name;
	char *was, *now; /* the lines after the name; NULL: there is no such line */
};

struct listing_changes {
	struct listing_change *items; /* sorted by name */
	size_t n;
	size_t all; /* the number of all changes, of which the items are the first */
};

/* Compares two texts, such as listings, in which each line begins with a name of its own
 * and a space. Adds at most max changes. listing_changes_done frees. */
void listing_find_changes(
	const char *old, const char *new, size_t max, struct listing_changes *ret);
void listing_changes_done(struct listing_changes *c);
/* Returns "differs", "is new" or "is gone"; static. */
const char *listing_change_word(const struct listing_change *c);
/* Does the same, and appends lines such as "NAME differs". Returns the number of all
 * differences. */
size_t listing_differences(
	const char *old, const char *new, size_t max, struct strv *ret);

#endif
