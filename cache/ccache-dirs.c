/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories in which ccache keeps its files. A build can put anything there, so links
 * are not followed and no file is read: only sizes and times count. */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "cache/ccache-dirs.h"

struct package_dir {
	const char *path;
	struct timespec used; /* when a build last used it */
	uint64_t bytes;       /* on disk */
};

char *ccache_dirs_path(const struct store *s)
{
	/* Existing caches have this name for it. */
	return path_join(store_dir(s), "guests");
}

/* Returns the number of bytes that the files below path take on disk. */
static uint64_t measure(const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	uint64_t bytes = 0;
	int r = walk_begin(&w, path, 0);

	while (r == 0 && (e = walk_next(&w))) {
		struct stat st;

		if (e->type != DT_DIR &&
			fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	return bytes;
}

void ccache_dirs_list(const struct store *s, struct strv *ret)
{
	static const char *const owners[] = {"any", "own", "nobody"};
	_cleanup_free_ char *dir = ccache_dirs_path(s);

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		_cleanup_free_ char *owner = path_join(dir, owners[i]);
		_cleanup_(strv_done) struct strv names = {0};

		if (dir_list(owner, &names) < 0)
			continue;
		for (size_t k = 0; k < names.n; k++) {
			_cleanup_free_ char *path = path_join(owner, names.items[k]);
			struct stat st;

			if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
				strv_take(ret, TAKE_PTR(path));
		}
	}
}

uint64_t ccache_dirs_size(const struct store *s)
{
	_cleanup_(strv_done) struct strv paths = {0};
	uint64_t bytes = 0;

	ccache_dirs_list(s, &paths);
	for (size_t i = 0; i < paths.n; i++)
		bytes += measure(paths.items[i]);
	return bytes;
}

/* Orders directories by their last use, the latest first. */
static int compare_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct package_dir *)a)->used;
	const struct timespec *y = &((const struct package_dir *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return x->tv_nsec == y->tv_nsec ? 0 : x->tv_nsec < y->tv_nsec ? 1 : -1;
}

void ccache_dirs_trim(const struct store *s, uint64_t max)
{
	_cleanup_(strv_done) struct strv paths = {0};
	_cleanup_free_ struct package_dir *dirs = NULL;
	uint64_t left = 0;
	size_t n = 0;

	ccache_dirs_list(s, &paths);
	dirs = xcalloc(paths.n, sizeof(*dirs));
	for (size_t i = 0; i < paths.n; i++) {
		struct stat st;

		if (lstat(paths.items[i], &st) == 0)
			dirs[n++] = (struct package_dir){
				paths.items[i], st.st_mtim, measure(paths.items[i])};
	}
	qsort(dirs, n, sizeof(*dirs), compare_use);
	for (size_t i = 0; i < n; i++) {
		if (left + dirs[i].bytes > max)
			dir_remove(dirs[i].path, NULL);
		else
			left += dirs[i].bytes;
	}
}
