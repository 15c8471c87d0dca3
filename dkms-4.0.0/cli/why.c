/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is a build not in the cache? In what it differs from the nearest that is. */
#include "config.h"

#include "builder/build.h"
#include "cache/listing.h"
#include "cli/why.h"

/* So many differences are named for each part of a key. */
#define DIFFERENCES_MAX 3

static bool is_same_part(const struct entry *e, const struct key_part *part)
{
	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, part->name))
			return digest_equal(&e->parts[i].digest, &part->digest);
	return false;
}

/* All entries of the cache, read when it is first asked why: to read them again for each job
 * would take longer than all else. */
static struct {
	struct entry *items;
	size_t n;
	bool read;
} entries;

/* The entry for a module of that name that shares most with the key; NULL when none. */
static const struct entry *find_nearest(struct cache *cache, const char *name,
	const struct key *key)
{
	_cleanup_free_ char *prefix = xasprintf("%s/", name);
	const struct entry *best = NULL;
	size_t best_same = 0;

	if (!entries.read)
		store_list(cache_store(cache), &entries.items, &entries.n);
	entries.read = true;
	for (size_t i = 0; i < entries.n; i++) {
		const struct entry *e = &entries.items[i];
		size_t same = 0;

		if (!has_prefix(e->title, prefix))
			continue;
		for (size_t p = 0; p < key->n_parts; p++)
			same += is_same_part(e, &key->parts[p]);
		if (!best || same > best_same ||
			(same == best_same && e->used_s > best->used_s)) {
			best = e;
			best_same = same;
		}
	}
	return best;
}

static void explain_part(struct cache *cache, const struct entry *e, const struct key_part *part)
{
	_cleanup_(strv_done) struct strv lines = {0};
	_cleanup_(str_done) struct str old = {0};
	size_t n = 0;

	for (size_t i = 0; i < e->n_parts; i++)
		if (streq(e->parts[i].name, part->name) &&
			store_get_bytes(cache_store(cache), &e->parts[i].digest, &old) == 0)
			n = listing_differences(old.data, part->detail, DIFFERENCES_MAX, &lines);
	if (!lines.n)
		printf("  %s differs\n", part->name);
	for (size_t i = 0; i < lines.n; i++)
		printf("  %s: %s\n", part->name, lines.items[i]);
	if (n > lines.n)
		printf("  %s: and %zu more\n", part->name, n - lines.n);
}

void why_print(struct cache *cache, const struct job *job, const char *title)
{
	const struct key *key = &job->build->key;
	const struct entry *nearest = find_nearest(cache, job->name, key);

	if (nearest) {
		printf("%s: not in the cache; the nearest entry, %s, differs:\n", title,
			nearest->title);
		for (size_t i = 0; i < key->n_parts; i++)
			if (!is_same_part(nearest, &key->parts[i]))
				explain_part(cache, nearest, &key->parts[i]);
	} else {
		printf("%s: not in the cache, nor is any build of %s\n", title, job->name);
	}
}

char *why_line(struct cache *cache, const struct job *job)
{
	const struct key *key = &job->build->key;
	_cleanup_(strv_done) struct strv parts = {0};
	_cleanup_free_ char *all = NULL;
	const struct entry *nearest = find_nearest(cache, job->name, key);

	for (size_t i = 0; nearest && i < key->n_parts; i++)
		if (!is_same_part(nearest, &key->parts[i]))
			strv_push(&parts, key->parts[i].name);
	all = strv_join(&parts, ", ");
	return nearest ? xasprintf("not in the cache: %s of %s differ%s", all, nearest->title,
				 parts.n == 1 ? "s" : "")
		       : xstrdup("not in the cache");
}
