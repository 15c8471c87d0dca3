/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_DIRENTS_H
#define BASE_DIRENTS_H

#include <dirent.h>

#include "base/strv.h"

/* Reads directories, for callers that read thousands of them: relative to the descriptor
 * of the parent directory, with the types that the file system gives, and with fewer
 * system calls than opendir(3) and readdir(3) need. base/walk.h reads a directory with
 * everything below it. */

struct dir_entry {
	const char *name;   /* belongs to the struct dirents */
	unsigned char type; /* a DT_ constant; DT_UNKNOWN if the file system gives none */
};

/* The entries of a directory, in no order. Zero-initialised is empty. */
struct dirents {
	struct dir_entry *items;
	size_t n, room;
	struct strv blocks; /* what getdents64(2) returned; holds the names */
};

/* Reads the directory that fd is open on to its end, without the names that begin with a
 * dot. Returns 0 or a negative errno. dirents_done frees in both cases. */
int dirents_read(int fd, struct dirents *ret);
/* Does the same, but leaves out only "." and "..". */
int dirents_read_all(int fd, struct dirents *ret);
void dirents_sort(struct dirents *d); /* by name, in the order of strcmp() */
void dirents_done(struct dirents *d);
/* Returns false if the type of the entry rules out that it is a directory or a link to
 * one. */
bool dir_entry_may_be_dir(const struct dir_entry *d);
/* Return whether the entry is a directory or a link to one, and whether it is a link. fd
 * is open on the directory that the entry was read from. */
bool dir_entry_is_dir(int fd, const struct dir_entry *d);
bool dir_entry_is_link(int fd, const struct dir_entry *d);

/* Opens the directory name, relative to the descriptor parent (or AT_FDCWD). Follows
 * links. Returns a descriptor or a negative errno. */
int dir_open_at(int parent, const char *name);
/* Returns whether path, relative to fd, is a directory or a link to one. */
bool is_dir_at(int fd, const char *path);
/* Returns whether path, relative to fd, is a link. */
bool is_link_at(int fd, const char *path);

#endif
