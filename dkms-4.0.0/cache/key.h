/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/str.h"
#include "cache/digest.h"

/* What a result depends on, in named parts. Each part is a text of lines (its detail), which
 * the store keeps as an object, so that a miss can say what has changed. The digest of
 * the key is made of the names and the digests of the details, each behind its length, so
 * that no two lists of parts run together. */

struct key_part {
	char *name;
	char *detail; /* n bytes and a NUL */
	size_t n;
	bool borrowed; /* the detail belongs to somebody who lives longer */
	struct digest digest;
};

struct key {
	struct key_part *parts;
	size_t n_parts;
};

/* Copies the detail. */
void key_add(struct key *k, const char *name, const char *detail, size_t n);
/* Borrows it, its digest being known: for what many keys share. */
void key_add_shared(struct key *k, const char *name, const struct str *detail,
	const struct digest *digest);
void key_digest(const struct key *k, struct digest *ret);
void key_done(struct key *k);

#endif
