/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dkms cache: what is kept of builds, is it good, and why is something not there? */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "cache/maintenance.h"
#include "builder/host/kernel.h"
#include "builder/build/build.h"
#include "builder/build/ccache-usage.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/reuse.h"
#include "builder/steps/look.h"
#include "scheduler/plan-run.h"
#include "scheduler/plan.h"
#include "cli/cache-miss.h"
#include "cli/cache.h"
#include "cli/print.h"

static char *format_day(int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;
	char text[16] = "";

	if (localtime_r(&when, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d", &parts);
	return xstrdup(text);
}

static int fail(const char *what, const struct settings *s, int r)
{
	_cleanup_(error_done) struct error err = {0};

	error_errno(&err, r, 1, "cannot %s the cache %s", what, s->cache.dir);
	print_error(&err);
	return 1;
}

/* What is kept of one kind: whole modules, or sets of objects. */
struct level {
	size_t entries;
	uint64_t bytes; /* of their files; those that several have count for each */
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

	printf("%s  %5zu %-7s  %9s", name, l->entries, l->entries == 1 ? "entry" : "entries", size);
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

static int cache_print_stats(struct cache *cache, const struct settings *s)
{
	struct store_usage usage;
	struct counters n;
	struct level modules = {0}, objects = {0};
	_cleanup_free_ char *size = NULL, *limit = NULL;
	int r = store_measure(cache_store(cache), &usage);

	if (r < 0)
		return fail("read", s, r);
	cache_counters(cache, &n);
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
		return fail("verify", s, r);
	for (size_t i = 0; i < usage.bad.n; i++)
		print_warning("%s", usage.bad.items[i]);
	size = format_bytes(usage.bytes);
	printf("%zu entries and %zu objects are good, %s\n", usage.entries, usage.objects, size);
	status = usage.bad.n != 0;
	store_usage_done(&usage);
	return status;
}

static int evict(struct cache *cache, const struct settings *s, uint64_t max)
{
	struct store_usage usage;
	_cleanup_free_ char *freed = NULL, *left = NULL;
	int r = store_evict(cache_store(cache), max, true, &usage);

	if (r < 0)
		return fail("clean", s, r);
	ccache_dirs_trim(cache_store(cache),
		max == UINT64_MAX ? max : max / CCACHE_DIRS_SHARE);
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

/* why */

/* What the log of a build has about the objects that it was given, and that it was
 * not. */
static void print_objects_note(struct cache *cache, const struct entry *e)
{
	const struct entry_file *log = entry_file(e, "make.log");
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

	if (!log || store_get_bytes(cache_store(cache), &log->digest, &text) < 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		if (has_prefix(line, OBJECTS_NOTE))
			printf("  %s\n", line + strlen("# "));
}

static int explain(struct cache *cache, struct job *job)
{
	_cleanup_free_ char *title = xasprintf(
		"%s/%s for %s", job->name, job->version, job->kernel->release);
	struct entry e;
	struct digest digest;
	int r;

	if (job->outcome.result == RESULT_EXCLUDED) {
		printf("%s: excluded: %s\n", title, job->conf->excluded);
		return 0;
	}
	if (job->outcome.result != RESULT_DONE) {
		print_error(&job->outcome.error);
		return job->outcome.error.status;
	}
	if (!job->reuse->key.n_parts) {
		printf("%s: not cached: %s\n", title, fingerprint_obstacle(job));
		return 0;
	}
	key_digest(&job->reuse->key, &digest);
	r = store_get_entry(cache_store(cache), &digest, &e);
	if (r > 0) {
		_cleanup_free_ char *day = format_day(e.made_s);
		_cleanup_free_ char *time = format_seconds((double)e.cost_ms / 1000);

		printf("%s: in the cache, built on %s in %s\n", title, day, time);
		print_objects_note(cache, &e);
		entry_done(&e);
	} else {
		cache_miss_print(cache, job, title);
	}
	return 0;
}

static int why(struct cache *cache, struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *own_arch = kernel_running_arch();
	const struct settings *s = &args->settings;
	struct job *job;
	struct plan plan;
	uv_loop_t loop;
	int status = 1;

	if (is_empty(args->name) || is_empty(args->version)) {
		error_set(&err, -EINVAL, 1, "cache why needs a module and its version");
		error_remedy(&err, "dkms cache why NAME/VERSION -k KVER");
		print_error(&err);
		return 1;
	}
	if (job_check_known(s, args->name, args->version, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	uv_loop_init(&loop);
	plan_init(&plan, &loop, s);
	plan_use_cache(&plan, cache);
	job = plan_add_job(&plan, JOB_EXPLAIN,
		plan_get_kernel(&plan, args->kernels.n ? args->kernels.items[0] : running,
			args->archs.n ? args->archs.items[0] : own_arch),
		args->name, args->version);
	if (plan_run(&plan, &err) == 0)
		status = explain(cache, job);
	else
		print_error(&err);
	plan_done(&plan);
	uv_loop_close(&loop);
	return status;
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
		status = cache_print_stats(cache, s);
	} else if (streq(what, "verify")) {
		status = verify(cache, s);
	} else if (streq(what, "gc")) {
		status = evict(cache, s,
			s->cache.max_size_bytes ? s->cache.max_size_bytes : UINT64_MAX);
	} else if (streq(what, "clear")) {
		status = clear(cache, s);
	} else if (streq(what, "why")) {
		status = why(cache, args);
	} else {
		error_set(&err, -EINVAL, 2,
			"cache takes stats, verify, gc, clear or why, not '%s'", what);
		print_error(&err);
		status = 2;
	}
	cache_close(cache);
	return status;
}
