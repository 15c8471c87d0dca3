/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has ccache found? It counts in files, STORE/guests/OWNER/PACKAGE/X/stats and X/Y/stats with
 * hexadecimal digits X and Y: a number per line, each kind on its line, and new kinds come last.
 * ccache itself would tell, too, but it would have to be run, by root in a directory that makefiles
 * may fill with links, pipes and settings, or in a sandbox for each package. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "builder/build/ccache.h"

/* A stats file is some hundred bytes; nobody's may be anything. */
#define STATS_MAX 8192

/* Adds the counters in a directory. */
static void add_counters(int dir, struct ccache_usage *u)
{
	_cleanup_close_ int fd =
		openat(dir, "stats", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint64_t *const lines[] = {[4] = &u->misses, [8] = &u->hits /* preprocessed */,
		[11] = &u->files, [22] = &u->hits /* direct */};
	char text[STATS_MAX + 1], *at = text;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	n = read(fd, text, STATS_MAX);
	if (n <= 0)
		return;
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char *end;
		uintmax_t value = strtoumax(at, &end, 10);

		if (end == at)
			return;
		if (lines[i])
			*lines[i] += value;
		at = end;
	}
}

/* Adds those of a directory in at and of the two levels below it. Nothing is followed. */
static void add_dir(int at, const char *name, int levels, struct ccache_usage *u)
{
	_cleanup_close_ int dir =
		openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return;
	add_counters(dir, u);
	for (const char *digit = "0123456789abcdef"; levels && *digit; digit++)
		add_dir(dir, (const char[]){*digit, '\0'}, levels - 1, u);
}

void ccache_measure(struct cache *c, struct ccache_usage *ret)
{
	_cleanup_(strv_done) struct strv dirs = {0};

	*ret = (struct ccache_usage){0};
	ccache_dirs_list(cache_store(c), &dirs);
	for (size_t i = 0; i < dirs.n; i++)
		add_dir(AT_FDCWD, dirs.items[i], 2, ret);
}
