/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why is a build not in the cache? Compares it with the nearest entry, as a whole and by
 * its objects. */
#include "config.h"

#include "cache/cache.h"
#include "cache/maintenance.h"
#include "cache/nearest.h"
#include "builder/host/package-owner.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/observed-values.h"
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

/* Returns the value of a line: the digest at its end if there is one, otherwise all of
 * it. The caller frees. */
static char *line_value(const char *line)
{
	size_t n = line ? strlen(line) : 0, hex = DIGEST_HEX - 1;
	struct digest digest;

	if (n >= hex && digest_parse(line + n - hex, &digest) &&
		(n == hex || line[n - hex - 1] == ' '))
		return xstrdup(line + n - hex);
	return xstrdup(line);
}

static struct file_change *add_change(struct cache_miss *miss, const char *part)
{
	miss->changes = xrealloc_array(
		miss->changes, miss->n_changes + 1, sizeof(*miss->changes));
	miss->changes[miss->n_changes] =
		(struct file_change){.part = xstrdup(part), .kind = MANIFEST_KINDS};
	return &miss->changes[miss->n_changes++];
}

static void add_changes(struct cache_miss *miss, const struct part_changes *p)
{
	struct file_change *c = NULL;

	for (size_t i = 0; i < p->lines.n; i++) {
		const struct listing_change *line = &p->lines.items[i];

		c = add_change(miss, p->part);
		c->name = xstrdup(line->name);
		c->was = line_value(line->was);
		c->now = line_value(line->now);
	}
	if (!c)
		add_change(miss, p->part);
	else
		c->more = p->lines.all - p->lines.n;
}

/* Adds an item that a build has looked at. */
static void add_observed_change(
	const struct observed_change *change, struct cache_miss *miss)
{
	const struct manifest_item *item = change->item;
	struct file_change *c = add_change(miss, manifest_kind_name(item->kind));

	c->kind = item->kind;
	c->name = xstrdup(item->path);
	if (!streq(item->value, "-") && !streq(item->value, "no"))
		c->was = xstrdup(item->value);
	if (!streq(change->value, "-") && !streq(change->value, "no"))
		c->now = xstrdup(change->value);
}

/* Whether another item of the manifest says more about the change. */
static bool is_told_twice(const struct manifest *m, const struct manifest_item *item)
{
	return item->kind == MANIFEST_EXISTS &&
	       (manifest_find(m, MANIFEST_FILE, item->path) ||
		       manifest_find(m, MANIFEST_DIR, item->path));
}

/* Adds what the build of an entry has looked at and what is not the same now, at most max
 * items of each kind. The caller knows that the primary key is the same. */
static void add_observed(struct cache *cache, const struct job *job,
	const struct entry *nearest, size_t max, struct cache_miss *miss)
{
	struct observed_change *changes = NULL;
	struct manifest m = {0};
	size_t n = 0, of_kind = 0;

	if (cache_get_manifest(cache, nearest, &m) == 0) {
		changes = xcalloc(m.n + 1, sizeof(*changes));
		n = observed_find_changes(job, &m, changes, m.n);
	}
	for (size_t i = 0; i < n; i++) {
		/* The items of a kind are next to each other. */
		if (i && changes[i].item->kind != changes[i - 1].item->kind)
			of_kind = 0;
		if (is_told_twice(&m, changes[i].item))
			continue;
		if (of_kind++ < max)
			add_observed_change(&changes[i], miss);
		else
			miss->changes[miss->n_changes - 1].more++;
	}
	for (size_t i = 0; i < n; i++)
		free(changes[i].value);
	free(changes);
	manifest_done(&m);
}

/* Finds the packages of all files that changed. */
static void find_packages(struct cache_miss *miss)
{
	_cleanup_(strv_done) struct strv paths = {0};
	_cleanup_free_ char **owners = xcalloc(miss->n_changes, sizeof(*owners));
	size_t at = 0;

	for (size_t i = 0; i < miss->n_changes; i++) {
		const char *name = miss->changes[i].name;
		char *real = name && *name == '/' ? realpath(name, NULL) : NULL;

		if (name && *name == '/')
			strv_take(&paths, real ? real : xstrdup(name));
	}
	package_owners("", &paths, owners);
	for (size_t i = 0; i < miss->n_changes; i++) {
		const char *name = miss->changes[i].name;

		if (name && *name == '/')
			miss->changes[i].package = owners[at++];
	}
}

/* Returns the parts of the job's key that an entry has as well, which belong to the job:
 * an entry with a manifest has only those of the primary key. */
static struct key comparable_key(
	struct cache *cache, const struct job *job, const struct entry *e)
{
	struct key key = job->reuse->key;
	struct manifest m = {0};

	if (cache_get_manifest(cache, e, &m) == 0)
		key.n_parts = fingerprint_count_primary(&key);
	manifest_done(&m);
	return key;
}

void cache_miss_find(
	struct cache *cache, const struct job *job, size_t max, struct cache_miss *ret)
{
	const struct entry *nearest = find_nearest(cache, job);
	struct cache_miss miss = {0};

	if (nearest) {
		struct key key = comparable_key(cache, job, nearest);
		struct part_changes *parts;
		size_t n = nearest_find_changes(
			cache_store(cache), nearest, &key, max, &parts);

		miss.nearest = xstrdup(nearest->title);
		for (size_t i = 0; i < n; i++)
			add_changes(&miss, &parts[i]);
		part_changes_free(parts, n);
		if (!n)
			add_observed(cache, job, nearest, max, &miss);
		find_packages(&miss);
	}
	miss.caches_objects = cache_miss_predict(cache, job, &miss.objects);
	if (!miss.caches_objects)
		miss.obstacle = objects_find_obstacle(job);
	*ret = miss;
}

void cache_miss_done(struct cache_miss *miss)
{
	for (size_t i = 0; i < miss->n_changes; i++) {
		free(miss->changes[i].part);
		free(miss->changes[i].name);
		free(miss->changes[i].was);
		free(miss->changes[i].now);
		free(miss->changes[i].package);
	}
	free(miss->changes);
	free(miss->nearest);
	prediction_done(&miss->objects);
	*miss = (struct cache_miss){0};
}

/* How many digits of a digest people are shown. */
#define SHORT_DIGEST 12

static bool is_digest(const char *value)
{
	struct digest digest;

	return value && strlen(value) == DIGEST_HEX - 1 && digest_parse(value, &digest);
}

/* Returns what has happened to the thing that the change is about. The caller frees. */
static char *describe_change(const struct file_change *c)
{
	switch (c->kind) {
	case MANIFEST_DIR:
		return xasprintf(
			"%s %s", c->name, c->now ? "has other files in it" : "is gone");
	case MANIFEST_FACT:
		if (streq(c->name, "processor"))
			return xstrdup("the processor is another one");
		if (streq(c->name, "visible"))
			return xstrdup("the sandbox shows other files of /etc");
		if (streq(c->name, "others"))
			return xstrdup("whether the build sees other packages has changed");
		if (has_prefix(c->name, OBSERVED_MODULE))
			return xasprintf("the kernel has another module %s",
				c->name + strlen(OBSERVED_MODULE));
		if (has_prefix(c->name, OBSERVED_NAMES))
			return xasprintf("other names begin with %s",
				c->name + strlen(OBSERVED_NAMES));
		return xstrdup("the build runs as another user");
	case MANIFEST_LINK:
		if (c->now)
			return xasprintf(
				"%s led to %s, leads to %s", c->name, c->was, c->now);
		return xasprintf("%s led to %s, is no link any more", c->name, c->was);
	case MANIFEST_PROGRAM:
		return xasprintf("%s was %s, is %s", c->name,
			c->was ? c->was : "not installed",
			c->now ? c->now : "not installed");
	default:
		return xasprintf("%s %s", c->name,
			!c->was   ? "is new"
			: !c->now ? "is gone"
				  : "differs");
	}
}

void file_change_add_lines(const struct file_change *c, struct strv *ret)
{
	_cleanup_(str_done) struct str more = {0};
	_cleanup_free_ char *text = NULL;
	bool is_link = c->kind == MANIFEST_LINK;

	if (!c->name) {
		strv_pushf(ret, "%s differs", c->part);
		return;
	}
	text = describe_change(c);
	if (c->kind != MANIFEST_DIR && c->kind != MANIFEST_FACT && is_digest(c->was) &&
		is_digest(c->now) && !streq(c->was, c->now))
		str_addf(&more, "%.*s -> %.*s", SHORT_DIGEST, c->was, SHORT_DIGEST,
			c->now);
	if (c->package && !is_link)
		str_addf(&more, "%sof %s", more.len ? ", " : "", c->package);
	strv_pushf(ret, "%s: %s%s%s%s", c->part, text, more.len ? " (" : "",
		more.len ? more.data : "", more.len ? ")" : "");
	if (c->more)
		strv_pushf(ret, "%s: and %zu more", c->part, c->more);
}

bool cache_miss_is_due_to_kernel(const char *part)
{
	return has_prefix(part, "headers") || streq(part, "config") ||
	       streq(part, "kernel-files");
}

/* Returns what the build of the entry has looked at and what is not as it was, in a few
 * words. The caller frees. */
static char *describe_all_observed(
	struct cache *cache, const struct job *job, const struct entry *nearest)
{
	_cleanup_free_ char *first = NULL;
	struct cache_miss miss = {0};
	size_t all = 0;
	char *text;

	add_observed(cache, job, nearest, 1, &miss);
	for (size_t i = 0; i < miss.n_changes; i++)
		all += 1 + miss.changes[i].more;
	if (!all)
		return xasprintf("not in the cache: it is not known what %s was made of",
			nearest->title);
	first = describe_change(&miss.changes[0]);
	text = all == 1 ? xasprintf("not in the cache: since %s was built: %s",
				  nearest->title, first)
			: xasprintf("not in the cache: since %s was built: %s and %zu "
				    "more",
				  nearest->title, first, all - 1);
	cache_miss_done(&miss);
	return text;
}

char *cache_miss_describe(struct cache *cache, const struct job *job)
{
	_cleanup_(strv_done) struct strv parts = {0};
	_cleanup_free_ char *all = NULL;
	const struct entry *nearest = find_nearest(cache, job);
	struct key key = nearest ? comparable_key(cache, job, nearest) : (struct key){0};
	bool other_kernel = false;

	for (size_t i = 0; i < key.n_parts; i++) {
		const char *name = key.parts[i].name;

		if (entry_has_part(nearest, &key.parts[i]))
			continue;
		other_kernel = other_kernel || streq(name, "kernel");
		if (!other_kernel || !cache_miss_is_due_to_kernel(name))
			strv_push(&parts, name);
	}
	if (!nearest)
		return xstrdup("not in the cache");
	if (!parts.n)
		return describe_all_observed(cache, job, nearest);
	all = strv_join(&parts, ", ");
	return xasprintf("not in the cache: %s of %s differ%s", all, nearest->title,
		parts.n == 1 ? "s" : "");
}
