/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is a build not in the cache? Compares it with the nearest entry, as a whole and by
 * its objects. */
#include "config.h"

#include "cache/cache.h"
#include "cache/maintenance.h"
#include "cache/nearest.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/reuse.h"
#include "cli/cache-miss.h"

/* At most so many differences are printed for each part of a key. */
#define DIFFERENCES_MAX 3

/* All entries of the cache. Reading them takes long, so they are read when they are first
 * needed, and again only after this run has added entries. */
static struct {
	struct entry *items;
	size_t n;
	bool read;
	size_t added; /* how many entries this run had added when they were read */
} entries;

static void read_entries(struct cache *cache)
{
	size_t added = cache_count_added(cache);

	if (entries.read && entries.added == added)
		return;
	for (size_t i = 0; i < entries.n; i++)
		entry_done(&entries.items[i]);
	free(entries.items);
	entries.items = NULL;
	entries.n = 0;
	entries.read = true;
	entries.added = added;
	store_list_entries(cache_store(cache), &entries.items, &entries.n);
}

/* Returns the entry of a module of the same name that shares most parts of its key with
 * the job, or NULL if there is no entry of that name. It stays valid until read_entries()
 * runs. */
static const struct entry *find_nearest(struct cache *cache, const struct job *job)
{
	_cleanup_free_ char *prefix = xasprintf("%s/", job->name);

	read_entries(cache);
	return nearest_find(entries.items, entries.n, prefix, &job->reuse->key);
}

bool cache_miss_predict(
	struct cache *cache, const struct job *job, struct prediction *ret)
{
	read_entries(cache);
	return predict_objects(job, entries.items, entries.n, ret);
}

static void print_objects(struct cache *cache, const struct job *job)
{
	struct prediction p;

	if (!cache_miss_predict(cache, job, &p)) {
		const char *obstacle = objects_find_obstacle(job);

		printf("  objects: not cached%s%s\n", obstacle ? ": " : "",
			obstacle ? obstacle : "");
		return;
	}
	if (!p.from)
		printf("  objects: none\n");
	else if (!p.n)
		printf("  objects: none match this build; the nearest, of %s, differ:\n",
			p.from);
	else
		printf("  objects: %zu of %zu can be taken from %s%s\n", p.n_valid, p.n,
			p.from, p.differences.n ? ", but not" : "");
	for (size_t i = 0; i < p.differences.n; i++)
		printf("    %s\n", p.differences.items[i]);
	prediction_done(&p);
}

/* Whether a line lists differences that any other kernel has: its headers, its
 * configuration and its files. They are not worth printing once the kernel itself is
 * printed as different. */
static bool is_due_to_kernel(const char *line)
{
	return has_prefix(line, "headers") || has_prefix(line, "config") ||
	       has_prefix(line, "kernel-files");
}

void cache_miss_print(struct cache *cache, const struct job *job, const char *title)
{
	const struct key *key = &job->reuse->key;
	const struct entry *nearest = find_nearest(cache, job);
	_cleanup_(strv_done) struct strv lines = {0};
	bool other_kernel = false;

	if (!nearest) {
		printf("%s: not in the cache, nor is any build of %s\n", title, job->name);
		return;
	}
	printf("%s: not in the cache; the nearest entry, %s, differs:\n", title, nearest->title);
	nearest_add_differences(cache_store(cache), nearest, key, DIFFERENCES_MAX, &lines);
	for (size_t i = 0; i < lines.n; i++) {
		other_kernel = other_kernel || has_prefix(lines.items[i], "kernel: ");
		if (!other_kernel || !is_due_to_kernel(lines.items[i]))
			printf("  %s\n", lines.items[i]);
	}
	print_objects(cache, job);
}

char *cache_miss_describe(struct cache *cache, const struct job *job)
{
	const struct key *key = &job->reuse->key;
	_cleanup_(strv_done) struct strv parts = {0};
	_cleanup_free_ char *all = NULL;
	const struct entry *nearest = find_nearest(cache, job);

	for (size_t i = 0; nearest && i < key->n_parts; i++)
		if (!entry_has_part(nearest, &key->parts[i]))
			strv_push(&parts, key->parts[i].name);
	all = strv_join(&parts, ", ");
	return nearest ? xasprintf("not in the cache: %s of %s differ%s", all, nearest->title,
				 parts.n == 1 ? "s" : "")
		       : xstrdup("not in the cache");
}
