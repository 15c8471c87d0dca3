/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include "base/str.h"
#include "cache/digest.h"

/* From a key to a result: what the store keeps for each. */

struct entry_part {
	char *name;
	struct digest digest; /* of its detail, which is an object */
};

struct entry_file {
	char *name;
	struct digest digest; /* of its bytes, which are an object */
	uint64_t size;	      /* bytes */
};

struct entry {
	struct digest key;
	char *title;	     /* what it is, for a person and to find the nearest by */
	int64_t made_s;	     /* since 1970 */
	uint64_t cost_ms;    /* what it took to make */
	struct entry_part *parts;
	size_t n_parts;
	struct entry_file *files;
	size_t n_files;
	int64_t used_ns; /* last hit; not in the text: the store fills it in */
	bool replaces;	/* not in the text: takes the place of the one of its key, if any */
};

void entry_add_part(struct entry *e, const char *name, const struct digest *digest);
void entry_add_file(struct entry *e, const char *name, const struct digest *digest,
	uint64_t size);
/* Borrowed; NULL when there is none of that name. */
const struct entry_file *entry_file(const struct entry *e, const char *name);
void entry_done(struct entry *e);

void entry_write(const struct entry *e, struct str *ret);
/* 0, or -EBADMSG when text is not in our format and version, or damaged. entry_done frees
 * *ret. */
int entry_parse(const struct str *text, struct entry *ret);

#endif
