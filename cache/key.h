/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/str.h"
#include "cache/digest.h"

/* A key consists of everything that a result depends on, in named parts. Each part has a
 * text of lines, its detail. The store keeps the details as objects, so that dkms can
 * tell what has changed after a miss. */

struct key_part {
	char *name;
	char *detail; /* n bytes and a NUL */
	size_t n;
	bool borrowed;        /* detail belongs to somebody else and outlives the key */
	struct digest digest; /* of the detail */
};

struct key {
	struct key_part *parts;
	size_t n_parts;
};

/* Adds a part with a copy of the detail. */
void key_add(struct key *k, const char *name, const char *detail, size_t n);
/* Adds a part without copying the detail, whose digest is known: for details that many
 * keys share. */
void key_add_shared(struct key *k, const char *name, const struct str *detail,
	const struct digest *digest);
void key_digest(const struct key *k, struct digest *ret);
void key_done(struct key *k);

#endif
