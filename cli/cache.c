/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms cache do? It shows, verifies, limits and clears the cache of builds. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "scheduler/history.h"
#include "cli/cache-stats.h"
#include "cli/cache-why.h"
#include "cli/cache.h"
#include "cli/json.h"
#include "cli/print.h"

/* New keys may appear under the same number. The number is increased when a key changes
 * its meaning or is removed. */
#define SCHEMA "dkms-cache-1"

/* Counts the history of jobs, which is beside the files of the cache, among the other
 * files. */
static void verify_history(struct cache *cache, size_t *others)
{
	_cleanup_free_ char *path = path_join(store_dir(cache_store(cache)), "history");
	int r = history_verify(path);

	if (r > 0)
		++*others;
	else if (r < 0)
		damage_add(store_damage(cache_store(cache)), path);
}

static json_t *damage_json(const struct strv *files, const struct strv *what)
{
	json_t *list = json_array();

	for (size_t i = 0; i < files->n; i++) {
		json_t *j = json_object();

		json_object_set_new(j, "file", json_text(files->items[i]));
		json_object_set_new(j, "problem", json_text(what->items[i]));
		json_array_append_new(list, j);
	}
	return list;
}

static int verify(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err)
{
	_cleanup_(strv_done) struct strv files = {0}, what = {0};
	_cleanup_free_ char *size = NULL;
	struct store_usage usage;
	size_t others;
	int r = cache_verify(cache, &usage, &others);

	if (r < 0) {
		error_errno(err, r, 1, "cannot verify the cache %s",
			args->settings.cache.dir);
		return 1;
	}
	verify_history(cache, &others);
	damage_list(store_damage(cache_store(cache)), &files, &what);
	if (doc) {
		json_object_set_new(
			doc, "entries", json_integer((json_int_t)usage.entries));
		json_object_set_new(
			doc, "objects", json_integer((json_int_t)usage.objects));
		json_object_set_new(doc, "others", json_integer((json_int_t)others));
		json_object_set_new(doc, "bytes", json_integer((json_int_t)usage.bytes));
		json_object_set_new(doc, "damaged", damage_json(&files, &what));
		return files.n != 0;
	}
	for (size_t i = 0; i < files.n; i++)
		print_warning("%s %s", files.items[i], what.items[i]);
	size = format_bytes(usage.bytes);
	printf("%zu entries and %zu objects are good, %s\n", usage.entries, usage.objects,
		size);
	printf("%zu other file%s good\n", others, others == 1 ? " is" : "s are");
	if (!files.n)
		return 0;
	printf("%zu file%s not good; what has been removed is made again when it is "
	       "needed\n",
		files.n, files.n == 1 ? " was" : "s were");
	if (!store_is_writable(cache_store(cache)))
		printf("the cache cannot be written to; run dkms cache verify as its "
		       "owner\n");
	return 1;
}

/* Removes the entries used least recently until the cache has at most max bytes, and
 * trims ccache's directory to its share of that. */
static int evict(struct cache *cache, const struct settings *s, uint64_t max_bytes,
	json_t *doc, struct error *err)
{
	struct store_usage usage;
	_cleanup_free_ char *freed = NULL, *left = NULL;
	int r = store_evict(cache_store(cache), max_bytes, 3600, &usage);

	if (r < 0) {
		error_errno(err, r, 1, "cannot clean the cache %s", s->cache.dir);
		return 1;
	}
	ccache_dirs_trim(cache_store(cache),
		max_bytes == UINT64_MAX ? max_bytes : max_bytes / CCACHE_DIRS_SHARE);
	if (doc) {
		json_object_set_new(
			doc, "removed", json_integer((json_int_t)usage.removed));
		json_object_set_new(
			doc, "freed_bytes", json_integer((json_int_t)usage.freed));
		json_object_set_new(
			doc, "entries", json_integer((json_int_t)usage.entries));
		json_object_set_new(doc, "bytes", json_integer((json_int_t)usage.bytes));
		return 0;
	}
	freed = format_bytes(usage.freed);
	left = format_bytes(usage.bytes);
	printf("%zu entries removed, %s freed; %zu entries left, %s\n", usage.removed,
		freed, usage.entries, left);
	return 0;
}

static int gc(struct cache *cache, struct arguments *args, json_t *doc, struct error *err)
{
	const struct settings *s = &args->settings;

	return evict(cache, s,
		s->cache.max_size_bytes ? s->cache.max_size_bytes : UINT64_MAX, doc, err);
}

static int clear(
	struct cache *cache, struct arguments *args, json_t *doc, struct error *err)
{
	static const char *const files[] = {"files", "trees", "counters"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path =
			path_join(store_dir(cache_store(cache)), files[i]);

		dir_remove(path, NULL);
	}
	return evict(cache, &args->settings, 0, doc, err);
}

/* The parts of the command. They print, or fill in the document, if there is one. They
 * return the exit status, and fill in err if they fail. */
static const struct {
	const char *name;
	int (*run)(struct cache *cache, struct arguments *args, json_t *doc,
		struct error *err);
} parts[] = {
	{"stats", cache_stats},
	{"verify", verify},
	{"gc", gc},
	{"clear", clear},
	{"why", cache_why},
};

/* Prints the error, if there is one, and the document, if there is one, which is freed.
 */
static void finish(json_t *doc, int status, const struct error *err)
{
	if (err->what)
		print_error(err);
	if (!doc)
		return;
	json_object_set_new(doc, "status", json_integer(status));
	json_object_set_new(doc, "error", json_text(err->what));
	json_object_set_new(doc, "remedy", json_text(err->remedy));
	json_print(doc, stdout);
	json_decref(doc);
}

static int run(size_t part, struct arguments *args, json_t *doc, struct error *err)
{
	const struct settings *s = &args->settings;
	bool is_why = streq(parts[part].name, "why");
	_cleanup_free_ char *damage = NULL;
	struct cache *cache;
	int status;

	if (is_empty(s->cache.dir) || (!path_is_dir(s->cache.dir) && !is_why)) {
		if (!doc)
			printf("nothing is cached%s%s\n", s->cache.dir ? " in " : "",
				s->cache.dir ? s->cache.dir : "");
		return 0;
	}
	cache = cache_open(s->cache.dir, 0, err);
	if (!cache)
		return err->status;
	status = parts[part].run(cache, args, doc, err);
	/* verify has said more about each of them. */
	damage = streq(parts[part].name, "verify") ? NULL : cache_describe_damage(cache);
	if (damage)
		print_warning("cache: %s", damage);
	cache_close(cache);
	return status;
}

int command_cache(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	const char *what = args->subcommand ? args->subcommand : "stats";
	json_t *doc = NULL;
	size_t part = 0;
	int status = 2;

	while (part < ARRAY_SIZE(parts) && !streq(parts[part].name, what))
		part++;
	if (args->json) {
		doc = json_object();
		json_object_set_new(doc, "schema", json_text(SCHEMA));
		json_object_set_new(doc, "dkms", json_text(PACKAGE_VERSION));
		json_object_set_new(doc, "command", json_text(what));
		json_object_set_new(doc, "dir", json_text(args->settings.cache.dir));
	}
	if (part < ARRAY_SIZE(parts))
		status = run(part, args, doc, &err);
	else
		error_set(&err, -EINVAL, 2,
			"cache takes stats, verify, gc, clear or why, not '%s'", what);
	finish(doc, status, &err);
	return status;
}
