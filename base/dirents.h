/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_DIRENTS_H
#define BASE_DIRENTS_H

#include <dirent.h>

#include "base/strv.h"

/* Reading thousands of directories: relative to the descriptors of their parents, with
 * the types that come with the names, and in fewer system calls than a DIR takes. */

struct dir_entry {
	const char *name;   /* lives as long as its dirents */
	unsigned char type; /* a DT_ constant */
};

/* The names of a directory, in no order. Zero is empty. */
struct dirents {
	struct dir_entry *items;
	size_t n, room;
	struct strv blocks; /* hold the names */
};

/* Reads the directory that fd is open on to its end, without the names that begin with a dot.
 * Returns 0 or a negative errno; dirents_done in both cases. */
int dirents_read(int fd, struct dirents *ret);
/* The same with names that begin with a dot, but without "." and "..". */
int dirents_read_all(int fd, struct dirents *ret);
void dirents_sort(struct dirents *d); /* by name, in the order of strcmp() */
void dirents_done(struct dirents *d);
/* Whether the type leaves room for this being a directory: a link may lead to one, and
 * file systems need not tell types. */
bool dir_entry_may_be_dir(const struct dir_entry *d);
/* Whether it is a directory or leads to one, and whether it is a link; fd is the
 * directory that it was read from. */
bool dir_entry_is_dir(int fd, const struct dir_entry *d);
bool dir_entry_is_link(int fd, const struct dir_entry *d);

/* Opens a directory below another one (or AT_FDCWD), links followed: a descriptor or a
 * negative errno. */
int dir_open_at(int parent, const char *name);
/* Whether path below fd is a directory, links followed. */
bool is_dir_at(int fd, const char *path);
/* Whether path below fd is itself a link. */
bool is_link_at(int fd, const char *path);

#endif
