/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a source does make(1) take as they are? */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/run/readers.h"
#include "builder/reuse/file-times.h"

struct timed_file {
	char *path; /* below the source */
	int64_t ns; /* when it was changed last, since 1970 */
	bool made;  /* looks as if a build had made it */
};

struct timed_files {
	struct timed_file *items;
	size_t n, room;
};

static void timed_files_done(struct timed_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].path);
	free(f->items);
}

/* Collects the regular files, and the links to such. */
static void on_event(void *userdata, enum listing_event event, const char *path,
	const struct stat *st)
{
	struct timed_files *f = userdata;

	if (!st || !S_ISREG(st->st_mode) ||
		(event != LISTING_ENTRY && event != LISTING_TARGET))
		return;
	if (f->n == f->room) {
		f->room = 2 * f->room + 64;
		f->items = xrealloc_array(f->items, f->room, sizeof(*f->items));
	}
	f->items[f->n++] = (struct timed_file){
		.path = xstrdup(path), .ns = timespec_ns(&st->st_mtim)};
}

static int compare_paths(const void *a, const void *b)
{
	const struct timed_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* Whether the source has the file that is called like path, with the given end. The files
 * are sorted. */
static bool has_beside(const struct timed_files *f, const char *path, const char *end)
{
	_cleanup_free_ char *name = xasprintf("%s%s", path, end);
	const struct timed_file wanted = {.path = name};

	return bsearch(&wanted, f->items, f->n, sizeof(*f->items), compare_paths);
}

static bool looks_made(const struct timed_files *f, const char *path)
{
	static const char *const others[] = {".so", ".lo", ".la", ".i", ".s", ".stamp"};

	if (readers_is_kbuild_product(path) ||
		text_has_suffix_of(path, others, ARRAY_SIZE(others)))
		return true;
	return has_beside(f, path, ".in") ||
	       (!strchr(path_base(path), '.') && has_beside(f, path, ".c"));
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Returns the number of times before ns, which is doubled, and one more if ns is one of
 * them. The times are sorted. */
static size_t rank(const int64_t *times, size_t n, int64_t ns)
{
	size_t before = 0, end = n;

	while (before < end) {
		size_t middle = before + (end - before) / 2;

		if (times[middle] < ns)
			before = middle + 1;
		else
			end = middle;
	}
	return 2 * before + (before < n && times[before] == ns);
}

static void add_ranks(const struct timed_files *f, const int64_t *times, size_t n,
	bool exact, struct str *ret)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct timed_file *file = &f->items[i];

		str_add(ret, "time:");
		listing_add_escaped(ret, file->path);
		str_addf(ret, " %zu", rank(times, n, file->ns));
		if (exact && file->made)
			str_addf(ret, " %" PRId64, file->ns);
		str_add(ret, "\n");
	}
}

static void add_times(struct timed_files *f, struct str *ret)
{
	static const char *const lists[] = {".cmd", ".d"};
	_cleanup_free_ int64_t *times =
		xrealloc_array(NULL, f->n + 1, sizeof(*times));
	struct timespec now;
	bool exact = false;
	size_t n = 0, distinct = 0;

	if (f->n)
		qsort(f->items, f->n, sizeof(*f->items), compare_paths);
	for (size_t i = 0; i < f->n; i++) {
		struct timed_file *file = &f->items[i];

		file->made = looks_made(f, file->path);
		if (file->made)
			times[n++] = file->ns;
		exact |= text_has_suffix_of(file->path, lists, ARRAY_SIZE(lists));
	}
	if (!n)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	times[n++] = timespec_ns(&now);
	qsort(times, n, sizeof(*times), compare_times);
	for (size_t i = 0; i < n; i++)
		if (!distinct || times[distinct - 1] != times[i])
			times[distinct++] = times[i];
	add_ranks(f, times, distinct, exact, ret);
}

int file_times_add_source(
	struct statcache *stats, const char *dir, struct str *ret, struct error *err)
{
	_cleanup_(timed_files_done) struct timed_files files = {0};
	const struct listing_observer observer = {on_event, &files};
	int r;

	if (!path_is_dir(dir))
		return 0;
	r = listing_add_tree(stats, dir, "", NULL, &observer, ret);
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot read %s", dir);
	add_times(&files, ret);
	return 0;
}
