/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_DENTS_H
#define BASE_DENTS_H

#include <dirent.h>

#include "base/strv.h"

/* Reading thousands of directories: relative to the descriptors of their parents, with
 * the types that come with the names, and in fewer system calls than a DIR takes. */

struct dent {
	const char *name;   /* lives as long as its dents */
	unsigned char type; /* a DT_ constant */
};

/* The names of a directory, without those that begin with a dot, in no order. Zero is
 * empty. */
struct dents {
	struct dent *items;
	size_t n, room;
	struct strv blocks; /* hold the names */
};

/* Reads the directory that fd is open on to its end. Returns 0 or a negative errno;
 * dents_done in both cases. */
int dents_read(int fd, struct dents *ret);
void dents_done(struct dents *d);
/* Whether the type leaves room for this being a directory: a link may lead to one, and
 * file systems need not tell types. */
bool dent_maybe_dir(const struct dent *d);
/* Whether it is a directory or leads to one, and whether it is a link; fd is the
 * directory that it was read from. */
bool dent_is_dir(int fd, const struct dent *d);
bool dent_is_link(int fd, const struct dent *d);

/* Opens a directory below another one (or AT_FDCWD), links followed: a descriptor or a
 * negative errno. */
int dir_open_at(int parent, const char *name);
/* Whether path below fd is a directory, links followed. */
bool is_dir_at(int fd, const char *path);
/* Whether path below fd is itself a link. */
bool is_link_at(int fd, const char *path);

#endif
