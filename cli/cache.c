/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms cache do? It shows, verifies, limits and clears the cache of builds. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "cache/maintenance.h"
#include "builder/build/ccache-usage.h"
#include "builder/reuse/objects.h"
#include "cli/cache-why.h"
#include "cli/cache.h"
#include "cli/print.h"

/* Prints the error r of an action on the cache, and returns the exit status. */
static int print_failure(const char *action, const struct settings *s, int r)
{
	_cleanup_(error_done) struct error err = {0};

	error_errno(&err, r, 1, "cannot %s the cache %s", action, s->cache.dir);
	print_error(&err);
	return 1;
}

/* The entries of one kind: builds of modules, or sets of objects. */
struct level {
	size_t entries;
	uint64_t bytes; /* the size of their files; a file in several entries counts for each */
};

static void measure_levels(struct cache *cache, struct level *modules, struct level *objects)
{
	struct entry *entries = NULL;
	size_t n = 0;

	store_list_entries(cache_store(cache), &entries, &n);
	for (size_t i = 0; i < n; i++) {
		struct level *l = has_prefix(entries[i].title, OBJECTS_TITLE) ? objects : modules;

		l->entries++;
		for (size_t f = 0; f < entries[i].n_files; f++)
			l->bytes += entries[i].files[f].size;
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

static void print_ccache(struct cache *cache)
{
	uint64_t bytes = ccache_dirs_size(cache_store(cache));
	_cleanup_free_ char *size = format_bytes(bytes);
	struct ccache_usage u;

	if (!bytes)
		return;
	ccache_read_usage(cache, &u);
	printf("ccache   %5lu %-7s  %9s  %lu hits  %lu misses\n", (unsigned long)u.files,
		u.files == 1 ? "file" : "files", size, (unsigned long)u.hits,
		(unsigned long)u.misses);
}

static int print_stats(struct cache *cache, const struct settings *s)
{
	struct store_usage usage;
	struct counters n;
	struct level modules = {0}, objects = {0};
	_cleanup_free_ char *size = NULL, *limit = NULL;
	int r = store_measure(cache_store(cache), &usage);

	if (r < 0)
		return print_failure("read", s, r);
	cache_read_counters(cache, &n);
	measure_levels(cache, &modules, &objects);
	print_level("modules", &modules);
	printf("  %lu hits  %lu misses  %lu stored  %lu damaged\n", (unsigned long)n.hits,
		(unsigned long)n.misses, (unsigned long)n.stored, (unsigned long)n.bad);
	print_level("objects", &objects);
	printf("  %lu linked  %lu compiled\n", (unsigned long)n.pieces_hits,
		(unsigned long)n.pieces_misses);
	print_ccache(cache);
	if (n.since_s) {
		_cleanup_free_ char *saved = format_seconds((double)n.saved_ms / 1000);
		_cleanup_free_ char *day = format_day(n.since_s);

		printf("%s saved since %s\n", saved, day);
	}
	size = format_bytes(usage.bytes);
	limit = format_bytes(s->cache.max_size_bytes);
	printf("%s of %s, %s\n", size, s->cache.max_size_bytes ? limit : "no limit",
		s->cache.dir);
	return 0;
}

static int verify(struct cache *cache, const struct settings *s)
{
	struct store_usage usage;
	_cleanup_free_ char *size = NULL;
	int r = store_verify(cache_store(cache), &usage), status;

	if (r < 0)
		return print_failure("verify", s, r);
	for (size_t i = 0; i < usage.bad.n; i++)
		print_warning("%s", usage.bad.items[i]);
	size = format_bytes(usage.bytes);
	printf("%zu entries and %zu objects are good, %s\n", usage.entries, usage.objects, size);
	status = usage.bad.n != 0;
	store_usage_done(&usage);
	return status;
}

/* Removes the entries used least recently until the cache has at most max bytes, and trims
 * ccache's directory to its share of that. */
static int evict(struct cache *cache, const struct settings *s, uint64_t max_bytes)
{
	struct store_usage usage;
	_cleanup_free_ char *freed = NULL, *left = NULL;
	int r = store_evict(cache_store(cache), max_bytes, true, &usage);

	if (r < 0)
		return print_failure("clean", s, r);
	ccache_dirs_trim(cache_store(cache),
		max_bytes == UINT64_MAX ? max_bytes : max_bytes / CCACHE_DIRS_SHARE);
	freed = format_bytes(usage.freed);
	left = format_bytes(usage.bytes);
	printf("%zu entries removed, %s freed; %zu entries left, %s\n", usage.removed, freed,
		usage.entries, left);
	return 0;
}

static int clear(struct cache *cache, const struct settings *s)
{
	static const char *const files[] = {"files", "trees", "counters"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_join(store_dir(cache_store(cache)), files[i]);

		dir_remove(path, NULL);
	}
	return evict(cache, s, 0);
}

int command_cache(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	const char *what = args->subcommand ? args->subcommand : "stats";
	const struct settings *s = &args->settings;
	struct cache *cache;
	int status;

	if (is_empty(s->cache.dir) ||
		(!path_is_dir(s->cache.dir) && !streq(what, "why"))) {
		printf("nothing is cached%s%s\n", s->cache.dir ? " in " : "",
			s->cache.dir ? s->cache.dir : "");
		return 0;
	}
	cache = cache_open(s->cache.dir, 0, &err);
	if (!cache) {
		print_error(&err);
		return 1;
	}
	if (streq(what, "stats")) {
		status = print_stats(cache, s);
	} else if (streq(what, "verify")) {
		status = verify(cache, s);
	} else if (streq(what, "gc")) {
		status = evict(cache, s,
			s->cache.max_size_bytes ? s->cache.max_size_bytes : UINT64_MAX);
	} else if (streq(what, "clear")) {
		status = clear(cache, s);
	} else if (streq(what, "why")) {
		status = cache_why(cache, args);
	} else {
		error_set(&err, -EINVAL, 2,
			"cache takes stats, verify, gc, clear or why, not '%s'", what);
		print_error(&err);
		status = 2;
	}
	cache_close(cache);
	return status;
}
