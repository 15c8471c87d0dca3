/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_MANIFEST_H
#define CACHE_MANIFEST_H

#include "base/str.h"

/* What a build has looked at: files, directories, links and facts about the machine, each
 * with the value that it had. If all of them have the same values again, a build with the
 * same key makes the same result. */

enum manifest_kind {
	MANIFEST_DIR,     /* an opened directory: the digest of its listing */
	MANIFEST_EXISTS,  /* a path that was not opened: "yes" or "no" */
	MANIFEST_FACT,    /* a fact about the machine, such as "processor": its digest */
	MANIFEST_FILE,    /* an opened file: the digest of its content */
	MANIFEST_LINK,    /* a link through which a file can be reached: its target */
	MANIFEST_PROGRAM, /* a name to look up in $PATH: the path, "-" if there is none */
	MANIFEST_INPUT,   /* as MANIFEST_FILE, for a file that the key covers already */
	MANIFEST_KINDS,
};

struct manifest_item {
	enum manifest_kind kind;
	char *path; /* as the build sees it; of a fact or a program, its name */
	char *value; /* as above; a digest is in hexadecimal */
};

struct manifest {
	struct manifest_item *items; /* sorted by kind and path, after manifest_sort() */
	size_t n;
};

/* A manifest with more items than this is neither written nor read. */
#define MANIFEST_MAX 100000

/* Appends an item with copies of path and value. */
void manifest_add(
	struct manifest *m, enum manifest_kind kind, const char *path, const char *value);
/* Sorts the items and removes those that are equal. */
void manifest_sort(struct manifest *m);
/* Returns the value of the item with that kind and path, which belongs to the manifest;
 * NULL if there is none. The manifest must be sorted. */
const char *manifest_find(
	const struct manifest *m, enum manifest_kind kind, const char *path);
void manifest_done(struct manifest *m);

/* Returns the word for a kind: "file". Static text. */
const char *manifest_kind_name(enum manifest_kind kind);
/* Appends a sorted manifest as text. Returns 0, or -E2BIG if it has too many items. */
int manifest_write(const struct manifest *m, struct str *ret);
/* Reads a manifest from its text of n bytes; manifest_done() frees. Returns 0, or
 * -EBADMSG if the text is damaged, has another version or too many items. */
int manifest_parse(const char *text, size_t n, struct manifest *ret);

#endif
