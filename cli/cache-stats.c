/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the cache, and how often was it used? */
#include "config.h"

#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "builder/build/ccache-usage.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/probe-memo.h"
#include "cli/cache-stats.h"
#include "cli/print.h"

/* The entries of one kind: builds of modules, or sets of objects. */
struct level {
	size_t entries;
	uint64_t bytes; /* the size of their files; a file in several entries counts for
			   each */
};

struct stats {
	struct level modules, objects;
	struct counters counters;
	uint64_t ccache_bytes; /* 0: ccache is not used */
	struct ccache_usage ccache;
	uint64_t bytes, limit_bytes; /* of the whole cache, without ccache; no limit: 0 */
};

static void measure_levels(
	struct cache *cache, struct level *modules, struct level *objects)
{
	struct entry *entries = NULL;
	size_t n = 0;

	store_list_entries(cache_store(cache), &entries, &n);
	for (size_t i = 0; i < n; i++) {
		struct level *l =
			has_prefix(entries[i].title, OBJECTS_TITLE) ? objects : modules;

		if (!has_prefix(entries[i].title, PROBE_MEMO_TITLE)) {
			l->entries++;
			for (size_t f = 0; f < entries[i].n_files; f++)
				l->bytes += entries[i].files[f].size;
		}
		entry_done(&entries[i]);
	}
	free(entries);
}

static void print_level(const char *name, const struct level *l)
{
	_cleanup_free_ char *size = format_bytes(l->bytes);

	printf("%s  %5zu %-7s  %9s", name, l->entries,
		l->entries == 1 ? "entry" : "entries", size);
}

static void print_ccache(const struct stats *st)
{
	_cleanup_free_ char *size = format_bytes(st->ccache_bytes);
	const struct ccache_usage *u = &st->ccache;

	if (st->ccache_bytes)
		printf("ccache   %5lu %-7s  %9s  %lu hits  %lu misses\n",
			(unsigned long)u->files, u->files == 1 ? "file" : "files", size,
			(unsigned long)u->hits, (unsigned long)u->misses);
}

static void print_text(const struct stats *st, const char *dir)
{
	const struct counters *n = &st->counters;
	_cleanup_free_ char *size = format_bytes(st->bytes);
	_cleanup_free_ char *limit = format_bytes(st->limit_bytes);

	print_level("modules", &st->modules);
	printf("  %lu hits  %lu misses  %lu stored  %lu damaged\n",
		(unsigned long)n->hits, (unsigned long)n->misses,
		(unsigned long)n->stored, (unsigned long)n->bad);
	print_level("objects", &st->objects);
	printf("  %lu linked  %lu compiled\n", (unsigned long)n->pieces_hits,
		(unsigned long)n->pieces_misses);
	print_ccache(st);
	if (n->since_s) {
		_cleanup_free_ char *saved = format_seconds((double)n->saved_ms / 1000);
		_cleanup_free_ char *day = format_day(n->since_s);

		printf("%s saved since %s\n", saved, day);
	}
	printf("%s of %s, %s\n", size, st->limit_bytes ? limit : "no limit", dir);
}

static void set(json_t *object, const char *key, uint64_t n)
{
	json_object_set_new(object, key, json_integer((json_int_t)n));
}

static json_t *level_json(const struct level *l)
{
	json_t *j = json_object();

	set(j, "entries", l->entries);
	set(j, "bytes", l->bytes);
	return j;
}

static json_t *ccache_json(const struct stats *st)
{
	json_t *j = st->ccache_bytes ? json_object() : json_null();

	if (st->ccache_bytes) {
		set(j, "files", st->ccache.files);
		set(j, "bytes", st->ccache_bytes);
		set(j, "hits", st->ccache.hits);
		set(j, "misses", st->ccache.misses);
	}
	return j;
}

static void fill(json_t *doc, const struct stats *st)
{
	const struct counters *n = &st->counters;
	json_t *modules = level_json(&st->modules), *objects = level_json(&st->objects);

	set(modules, "hits", n->hits);
	set(modules, "misses", n->misses);
	set(modules, "stored", n->stored);
	set(modules, "damaged", n->bad);
	set(objects, "linked", n->pieces_hits);
	set(objects, "compiled", n->pieces_misses);
	json_object_set_new(doc, "modules", modules);
	json_object_set_new(doc, "objects", objects);
	json_object_set_new(doc, "ccache", ccache_json(st));
	json_object_set_new(doc, "saved_s", json_real((double)n->saved_ms / 1000));
	json_object_set_new(
		doc, "since", n->since_s ? json_integer(n->since_s) : json_null());
	set(doc, "bytes", st->bytes);
	json_object_set_new(doc, "limit_bytes",
		st->limit_bytes ? json_integer((json_int_t)st->limit_bytes)
				: json_null());
}

int cache_stats(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err)
{
	const struct settings *s = &args->settings;
	struct stats st = {.limit_bytes = s->cache.max_size_bytes};
	struct store_usage usage;
	int r = store_measure(cache_store(cache), &usage);

	if (r < 0) {
		error_errno(err, r, 1, "cannot read the cache %s", s->cache.dir);
		return 1;
	}
	st.bytes = usage.bytes;
	cache_read_counters(cache, &st.counters);
	measure_levels(cache, &st.modules, &st.objects);
	st.ccache_bytes = ccache_dirs_size(cache_store(cache));
	if (st.ccache_bytes)
		ccache_read_usage(cache, &st.ccache);
	if (doc)
		fill(doc, &st);
	else
		print_text(&st, s->cache.dir);
	return 0;
}
