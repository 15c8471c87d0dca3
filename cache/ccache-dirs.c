/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories in the cache that other programs fill: guests/OWNER/NAME. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"

struct guest {
	char *path;
	struct timespec used;
	uint64_t bytes;
};

char *cache_guests_dir(struct cache *c)
{
	return path_join(store_dir(cache_store(c)), "guests");
}

/* The bytes of the files below path; links are not followed. */
static uint64_t measure(const char *path)
{
	_cleanup_(strv_done) struct strv names = {0};
	uint64_t bytes = 0;

	if (dir_list(path, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *below = path_join(path, names.items[i]);
		struct stat st;

		if (lstat(below, &st) < 0)
			continue;
		bytes += S_ISDIR(st.st_mode) ? measure(below) : (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

static void list_guests(const char *dir, struct guest **guests, size_t *n)
{
	_cleanup_(strv_done) struct strv names = {0};

	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		char *path = path_join(dir, names.items[i]);
		struct stat st;

		if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
			free(path);
			continue;
		}
		*guests = xrealloc_array(*guests, *n + 1, sizeof(**guests));
		(*guests)[(*n)++] = (struct guest){path, st.st_mtim, measure(path)};
	}
}

/* The one used last first. */
static int compare_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct guest *)a)->used;
	const struct timespec *y = &((const struct guest *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec == y->tv_nsec ? 0 : x->tv_nsec < y->tv_nsec ? 1 : -1;
}

uint64_t cache_trim_guests(struct cache *c, uint64_t max)
{
	static const char *const owners[] = {"nobody", "own"};
	_cleanup_free_ char *dir = cache_guests_dir(c);
	struct guest *guests = NULL;
	uint64_t left = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		_cleanup_free_ char *owner = path_join(dir, owners[i]);

		list_guests(owner, &guests, &n);
	}
	if (n)
		qsort(guests, n, sizeof(*guests), compare_use);
	for (size_t i = 0; i < n; i++) {
		if (left + guests[i].bytes > max)
			dir_remove(guests[i].path, NULL);
		else
			left += guests[i].bytes;
		free(guests[i].path);
	}
	free(guests);
	return left;
}
