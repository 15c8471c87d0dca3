/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often did ccache(1) have a result?
 *
 * ccache counts in the files X/stats and X/Y/stats of its directory,
 * STORE/guests/OWNER/PACKAGE/; X and Y are hexadecimal digits. Each line of such a file
 * is one number, and the line number says what it counts. New versions of ccache append
 * lines (enum Statistic in its source).
 *
 * "ccache --print-stats" prints the same numbers, but dkms would have to run it as root
 * in a directory that makefiles can fill with links, pipes and settings, or in a sandbox
 * for each package. */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/cache.h"
#include "cache/ccache-dirs.h"
#include "builder/build/ccache-usage.h"

/* More than the size of a stats file, which is some hundred bytes. What builds as nobody
 * wrote may be of any size. */
#define STATS_MAX 8192

/* Adds the counters of the stats file in a directory. */
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

/* Adds the counters of the directory name below at, and of its subdirectories down to
 * this number of levels. Symbolic links are not followed. */
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

void ccache_read_usage(struct cache *c, struct ccache_usage *ret)
{
	_cleanup_(strv_done) struct strv dirs = {0};

	*ret = (struct ccache_usage){0};
	ccache_dirs_list(cache_store(c), &dirs);
	for (size_t i = 0; i < dirs.n; i++)
		add_dir(AT_FDCWD, dirs.items[i], 2, ret);
}
