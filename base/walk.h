/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include "base/dir-stack.h"
#include "base/dirents.h"
#include "base/str.h"

/* Visits everything below a directory, depth first. Links are reported but not followed:
 * each directory is opened with O_NOFOLLOW, relative to the descriptor of its parent, so
 * that a directory that is replaced by a link during the walk does not lead it elsewhere.
 *
 *	_cleanup_(walk_done) struct walk w = {0};
 *	const struct walk_entry *e;
 *	int r = walk_begin(&w, path, WALK_SORTED);
 *
 *	while (r == 0 && (e = walk_next(&w)))
 *		...
 *
 * At most DIR_STACK_OPEN descriptors are open, however deep the directories are. */

enum walk_flags {
	WALK_SORTED = 1,  /* report the entries of a directory in the order of strcmp() */
	WALK_LEAVE = 2,   /* report a directory a second time, after its content */
	WALK_VISIBLE = 4, /* leave out names that begin with a dot */
	WALK_UNNAMED = 8, /* path of an entry is its name; for trees of any depth */
};

/* What walk_next() has found. The walk owns the strings and descriptors; they are valid
 * until walk_next() is called again. */
struct walk_entry {
	int parent;         /* the descriptor of the directory that the entry is in */
	const char *name;   /* in that directory */
	const char *path;   /* relative to the top directory: "a/b/name" */
	size_t depth;       /* 0 in the top directory */
	unsigned char type; /* DT_REG, DT_DIR and so on; DT_UNKNOWN only with an error */
	int fd;             /* of a directory whose content comes next; -1 otherwise */
	bool leaving;       /* this is the second report of a directory (WALK_LEAVE) */
	/* 0 or a negative errno. With DT_DIR the directory could not be opened or read,
	 * and the walk goes on without its content; -ENAMETOOLONG if its path has PATH_MAX
	 * bytes or more. With DT_UNKNOWN the type could not be found out, or parent is -1:
	 * the walk ends here, because it cannot go back to the directory above. */
	int error;
};

struct walk_level;

struct walk {
	enum walk_flags flags;
	struct dir_stack dirs;     /* the directories that the walk is in, top first */
	struct walk_level *levels; /* and what was read from them */
	size_t n, room;
	struct str path; /* of the entry */
	struct walk_entry entry;
};

/* Begins a walk through the directory at path, which may be a link to a directory.
 * Returns 0, or a negative errno if it cannot be read. walk_done frees in both cases. */
int walk_begin(struct walk *w, const char *path, enum walk_flags flags);
/* Does the same for the directory that fd is open on. The walk owns fd in all cases. */
int walk_begin_at(struct walk *w, int fd, enum walk_flags flags);
/* Returns the next entry, or NULL after the last one. A directory that has vanished since
 * its name was read is reported with the error -ENOENT. */
const struct walk_entry *walk_next(struct walk *w);
/* Tries again to open and read the directory that was reported last with an error, and
 * sets the fd and the error of the entry. */
void walk_retry(struct walk *w);
/* Leaves out the content and the second report of the directory that was reported last. */
void walk_skip(struct walk *w);
void walk_done(struct walk *w);

#endif
