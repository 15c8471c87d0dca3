/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_NEAREST_H
#define CACHE_NEAREST_H

#include "cache/store.h"

/* For what is not there: which of the entries comes nearest, and in what does it differ? */

/* The entry whose title begins so and that shares most parts with the key; borrowed; NULL
 * when there is none. Of several, the one used last. */
const struct entry *nearest_find(const struct entry *entries, size_t n, const char *title,
	const struct key *key);
/* Whether the entry was made with this part. */
bool nearest_has(const struct entry *e, const struct key_part *part);
/* For each part of the key that the entry does not have, up to max lines "PART: NAME differs",
 * and "PART: and 7 more". Appended. */
void nearest_add_differences(struct store *s, const struct entry *e, const struct key *key,
	size_t max, struct strv *ret);

#endif
