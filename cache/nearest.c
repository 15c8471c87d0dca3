/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a key that is not in the cache with the entries that are. */
#include "config.h"

#include "cache/listing.h"
#include "cache/nearest.h"

bool entry_has_part(const struct entry *e, const struct key_part *part)
{
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, part->name))
			return digest_equal(&e->parts[i].digest, &part->digest);
	return false;
}

const struct entry *nearest_find(
	const struct entry *entries, size_t n, const char *title, const struct key *key)
{
	const struct entry *best = NULL;
	size_t best_same = 0;

	for (size_t i = 0; i < n; i++) {
		const struct entry *e = &entries[i];
		size_t same = 0;

		if (!has_prefix(e->title, title))
			continue;
		for (size_t p = 0; p < key->n_parts; p++)
			same += entry_has_part(e, &key->parts[p]);
		if (!best || same > best_same ||
			(same == best_same && e->used_ns > best->used_ns)) {
			best = e;
			best_same = same;
		}
	}
	return best;
}

static void compare_part(struct store *s, const struct entry *e,
	const struct key_part *part, size_t max, struct part_changes *ret)
{
	_cleanup_(str_done) struct str old = {0};

	*ret = (struct part_changes){.part = part->name};
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, part->name) &&
			store_get_bytes(s, &e->parts[i].digest, &old) == 0)
			listing_find_changes(
				old.data ? old.data : "", part->detail, max, &ret->lines);
}

size_t nearest_find_changes(struct store *s, const struct entry *e, const struct key *key,
	size_t max, struct part_changes **ret)
{
	struct part_changes *changes = xcalloc(key->n_parts, sizeof(*changes));
	size_t n = 0;

	for (size_t i = 0; i < key->n_parts; i++)
		if (!entry_has_part(e, &key->parts[i]))
			compare_part(s, e, &key->parts[i], max, &changes[n++]);
	*ret = changes;
	return n;
}

void part_changes_free(struct part_changes *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		listing_changes_done(&changes[i].lines);
	free(changes);
}

void nearest_add_differences(struct store *s, const struct entry *e,
	const struct key *key, size_t max, struct strv *ret)
{
	struct part_changes *changes;
	size_t n = nearest_find_changes(s, e, key, max, &changes);

	for (size_t i = 0; i < n; i++) {
		const struct listing_changes *lines = &changes[i].lines;

		if (!lines->n)
			strv_pushf(ret, "%s differs", changes[i].part);
		for (size_t j = 0; j < lines->n; j++)
			strv_pushf(ret, "%s: %s %s", changes[i].part,
				lines->items[j].name,
				listing_change_word(&lines->items[j]));
		if (lines->all > lines->n)
			strv_pushf(ret, "%s: and %zu more", changes[i].part,
				lines->all - lines->n);
	}
	part_changes_free(changes, n);
}
