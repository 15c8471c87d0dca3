/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_NEAREST_H
#define CACHE_NEAREST_H

#include "cache/listing.h"
#include "cache/store.h"

/* Explains a miss: which existing entry is most similar, and in what does it differ? */

/* Returns the entry whose title begins with title and which has most parts in common with
 * the key; of several such entries the one that was used last. The entry is an element of
 * entries. NULL if there is none. */
const struct entry *nearest_find(
	const struct entry *entries, size_t n, const char *title, const struct key *key);
/* Returns whether the entry has this part, with the same detail. */
bool entry_has_part(const struct entry *e, const struct key_part *part);

/* How a part of the key differs from that of an entry. */
struct part_changes {
	const char *part;             /* its name, which belongs to the key */
	struct listing_changes lines; /* none if the detail is unknown */
};

/* Compares each part of the key that the entry does not have. Notes at most max changes
 * for each. Returns the number of these parts; part_changes_free() frees them. */
size_t nearest_find_changes(struct store *s, const struct entry *e, const struct key *key,
	size_t max, struct part_changes **ret);
void part_changes_free(struct part_changes *changes, size_t n);
/* Does the same in lines: for each part that the entry does not have, appends up to max
 * such as "PART: NAME differs", and "PART: and 7 more" if there are more. */
void nearest_add_differences(struct store *s, const struct entry *e,
	const struct key *key, size_t max, struct strv *ret);

#endif
