/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "base/str.h"
#include "cache/digest.h"

/* An entry of the store: the result that a key leads to. */

struct entry_part {
	char *name;
	struct digest digest; /* of the part's detail (cache/key.h), which is an object */
};

struct entry_file {
	char *name;
	struct digest digest; /* of the file's bytes, which are an object */
	uint64_t size;	      /* bytes */
};

struct entry {
	struct digest key;
	char *title;      /* describes the result to a person; see also nearest_find() */
	int64_t made_s;   /* when it was made, in seconds since 1970 */
	uint64_t cost_ms; /* how long it took to make */
	struct entry_part *parts;
	size_t n_parts;
	struct entry_file *files;
	size_t n_files;
	/* These two are not written by entry_write(). */
	int64_t used_ns; /* the time of the last hit; the store fills it in */
	bool replaces;   /* the entry is to replace the existing one with its key */
};

void entry_add_part(struct entry *e, const char *name, const struct digest *digest);
void entry_add_file(struct entry *e, const char *name, const struct digest *digest,
	uint64_t size);
/* Returns the file of that name, which belongs to the entry, or NULL if there is none. */
const struct entry_file *entry_file(const struct entry *e, const char *name);
void entry_done(struct entry *e);

/* Appends the entry as text. */
void entry_write(const struct entry *e, struct str *ret);
/* Reads an entry from its text; entry_done frees *ret. Returns 0, or -EBADMSG if the text
 * is damaged or has another format or version. */
int entry_parse(const struct str *text, struct entry *ret);

#endif
