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

void cache_miss_find(
	struct cache *cache, const struct job *job, size_t max, struct cache_miss *ret)
{
	const struct entry *nearest = find_nearest(cache, job);
	struct cache_miss miss = {0};

	if (nearest) {
		miss.nearest = xstrdup(nearest->title);
		nearest_add_differences(cache_store(cache), nearest, &job->reuse->key, max,
			&miss.differences);
	}
	miss.caches_objects = cache_miss_predict(cache, job, &miss.objects);
	if (!miss.caches_objects)
		miss.obstacle = objects_find_obstacle(job);
	*ret = miss;
}

void cache_miss_done(struct cache_miss *miss)
{
	free(miss->nearest);
	strv_done(&miss->differences);
	prediction_done(&miss->objects);
	*miss = (struct cache_miss){0};
}

bool cache_miss_is_due_to_kernel(const char *line)
{
	return has_prefix(line, "headers") || has_prefix(line, "config") ||
	       has_prefix(line, "kernel-files");
}

char *cache_miss_describe(struct cache *cache, const struct job *job)
{
	const struct key *key = &job->reuse->key;
	_cleanup_(strv_done) struct strv parts = {0};
	_cleanup_free_ char *all = NULL;
	const struct entry *nearest = find_nearest(cache, job);
	bool other_kernel = false;

	for (size_t i = 0; nearest && i < key->n_parts; i++) {
		const char *name = key->parts[i].name;

		if (entry_has_part(nearest, &key->parts[i]))
			continue;
		other_kernel = other_kernel || streq(name, "kernel");
		if (!other_kernel || !cache_miss_is_due_to_kernel(name))
			strv_push(&parts, name);
	}
	all = strv_join(&parts, ", ");
	return nearest ? xasprintf("not in the cache: %s of %s differ%s", all, nearest->title,
				 parts.n == 1 ? "s" : "")
		       : xstrdup("not in the cache");
}
