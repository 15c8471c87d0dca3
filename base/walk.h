/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include "base/dirents.h"
#include "base/str.h"

/* Visits everything below a directory, depth first. Links are reported and never followed: each
 * directory is opened by its name in the one above it, with O_NOFOLLOW, so that somebody who
 * replaces a directory by a link meanwhile cannot lead the walk elsewhere.
 *
 *	_cleanup_(walk_done) struct walk w = {0};
 *	const struct walk_entry *e;
 *	int r = walk_begin(&w, path, WALK_SORTED);
 *
 *	while (r == 0 && (e = walk_next(&w)))
 *		...
 *
 * One descriptor is open for each level of directories. */

enum walk_flags {
	WALK_SORTED = 1,  /* the entries of each directory in the order of strcmp() */
	WALK_LEAVE = 2,   /* a directory is reported a second time, behind its content */
	WALK_VISIBLE = 4, /* without the names that begin with a dot */
};

/* What walk_next() has found. The strings and descriptors belong to the walk and are valid until
 * walk_next() is called again. */
struct walk_entry {
	int parent;	    /* descriptor of the directory that the entry is in */
	const char *name;   /* its name there */
	const char *path;   /* its names from the top of the walk on: "a/b/name" */
	size_t depth;	    /* 0 for what is in the top of the walk */
	unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ...; DT_UNKNOWN only with an error */
	int fd;		    /* descriptor of a directory that is entered next, else -1 */
	bool leaving;	    /* the second report of a directory (WALK_LEAVE) */
	/* 0, or a negative errno: the directory cannot be opened or read, and the walk goes on
	 * behind it; or, with DT_UNKNOWN, the file system does not tell what the entry is. */
	int error;
};

struct walk_level;

struct walk {
	enum walk_flags flags;
	struct walk_level *levels; /* the directories that the walk is in, the top first */
	size_t n, room;
	struct str path; /* of the entry */
	struct walk_entry entry;
};

/* Begins a walk of the directory path, which may be a link to one. Returns 0, or a negative errno
 * when it cannot be read; walk_done in both cases. */
int walk_begin(struct walk *w, const char *path, enum walk_flags flags);
/* The same for the directory that fd is open on. Closes fd in any case. */
int walk_begin_at(struct walk *w, int fd, enum walk_flags flags);
/* Returns the next entry, or NULL when there are no more. An entry that has vanished since its
 * directory was read is left out, unless it was a directory. */
const struct walk_entry *walk_next(struct walk *w);
/* Leaves out what is in the directory that was just reported, and its second report. */
void walk_skip(struct walk *w);
void walk_done(struct walk *w);

#endif
