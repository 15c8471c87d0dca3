/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Have the files that a text was made from changed? */
#include "config.h"

#include <fcntl.h>
#include <limits.h>

#include "cache/statcache.h"
#include "builder/reuse/key-stamp.h"

/* What is compared. All zero if there is no such file. */
struct file_stat {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint64_t mode;
};

/* A stamp that is being taken. */
struct taking {
	struct key_stamp *stamp;
	const struct timespec *began; /* or NULL */
	uint64_t local_dev;           /* a device whose file system is local; 0: none yet */
};

/* Returns whether the file system that the file is on is local. */
static bool is_local(struct taking *t, const char *path, const struct stat *st)
{
	_cleanup_close_ int fd = -1;

	if (st->st_dev == t->local_dev)
		return true;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || !stat_is_local(fd))
		return false;
	t->local_dev = st->st_dev;
	return true;
}

static void add_stat(struct taking *t, const char *path, const struct stat *st)
{
	struct file_stat file = {
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = timespec_ns(&st->st_mtim),
		.ctime_ns = timespec_ns(&st->st_ctim),
		.mode = st->st_mode,
	};

	str_add_bytes(&t->stamp->stats, &file, sizeof(file));
	if (t->began && (!stat_is_settled(st, t->began) || !is_local(t, path, st)))
		t->stamp->is_reliable = false;
}

/* Adds a file, and the one that it leads to if it is a link. */
static void add_file(struct taking *t, const char *path)
{
	static const struct file_stat missing;
	struct stat st;

	if (lstat(path, &st) < 0) {
		str_add_bytes(&t->stamp->stats, &missing, sizeof(missing));
		return;
	}
	add_stat(t, path, &st);
	if (!S_ISLNK(st.st_mode))
		return;
	if (stat(path, &st) < 0)
		str_add_bytes(&t->stamp->stats, &missing, sizeof(missing));
	else
		add_stat(t, path, &st);
}

/* Undoes listing_add_escaped(): writes the n bytes at escaped to path, which has room for
 * PATH_MAX. Returns false if the path is too long. */
static bool unescape(const char *escaped, size_t n, char *path)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (len + 1 >= PATH_MAX)
			return false;
		if (escaped[i] != '\\' || n - i < 4) {
			path[len++] = escaped[i];
			continue;
		}
		path[len++] = (char)((escaped[i + 1] - '0') * 64 +
				     (escaped[i + 2] - '0') * 8 + escaped[i + 3] - '0');
		i += 3;
	}
	path[len] = '\0';
	return true;
}

void key_stamp_take(const char *text, const char *const *files,
	const struct timespec *began, struct key_stamp *ret)
{
	struct taking t = {ret, began, 0};
	char path[PATH_MAX];

	*ret = (struct key_stamp){.is_reliable = true};
	for (; files && *files; files++)
		add_file(&t, *files);
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, " \n");

		if (*line == '/' && unescape(line, n, path))
			add_file(&t, path);
		else if (*line == '/')
			ret->is_reliable = false;
		line += n + strcspn(line + n, "\n");
		line += *line == '\n';
	}
}

bool key_stamp_is_same(const struct key_stamp *earlier, const struct key_stamp *now)
{
	return earlier->is_reliable && earlier->stats.len == now->stats.len &&
	       memcmp(earlier->stats.data ? earlier->stats.data : "",
		       now->stats.data ? now->stats.data : "", now->stats.len) == 0;
}

void key_stamp_done(struct key_stamp *s)
{
	str_done(&s->stats);
	*s = (struct key_stamp){0};
}
