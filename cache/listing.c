/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in a directory, as text? */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/strv.h"
#include "cache/listing.h"

struct walk {
	struct statcache *cache;
	struct str *out;
	const char *markers; /* the end of a directory's path; NULL: none */
	const struct listing_observer *observer; /* or NULL */
};

static void see(const struct walk *w, enum listing_sight sight, const char *dir,
	const char *name, const struct stat *st)
{
	if (w->observer)
		w->observer->see(w->observer->userdata, sight, dir, name, st);
}

void listing_add_escaped(struct str *ret, const char *text)
{
	for (const char *c = text; *c;) {
		size_t plain = 0;

		while ((unsigned char)c[plain] > ' ' && c[plain] != '\\' && c[plain] != 0x7f)
			plain++;
		str_add_bytes(ret, c, plain);
		c += plain;
		if (*c)
			str_addf(ret, "\\%03o", (unsigned char)*c++);
	}
}

static void add_path(struct walk *w, const char *dir, const char *name)
{
	if (*dir) {
		listing_add_escaped(w->out, dir);
		str_add(w->out, "/");
	}
	listing_add_escaped(w->out, name);
}

static void add_digest(struct str *out, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	str_add(out, hex);
}

static void add_file(struct walk *w, int dir, const char *called, const char *name,
	const struct stat *st)
{
	struct digest digest;

	add_path(w, called, name);
	if (statcache_digest(w->cache, dir, name, st, &digest) < 0) {
		see(w, LISTING_UNREADABLE, called, name, st);
		str_add(w->out, " unreadable\n");
		return;
	}
	str_addf(w->out, " file %04o ", st->st_mode & 07777);
	add_digest(w->out, &digest);
	str_add(w->out, "\n");
}

static int add_link(struct walk *w, int dir, const char *called, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	struct digest digest;
	struct stat st;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	target[n] = '\0';
	add_path(w, called, name);
	str_add(w->out, " link ");
	listing_add_escaped(w->out, target);
	str_add(w->out, " ");
	if (fstatat(dir, name, &st, 0) < 0 || !S_ISREG(st.st_mode)) {
		see(w, LISTING_NO_TARGET, called, name, NULL);
		str_add(w->out, "-\n");
	} else if (statcache_digest(w->cache, dir, name, &st, &digest) < 0) {
		see(w, LISTING_UNREADABLE, called, name, &st);
		str_add(w->out, "-\n");
	} else {
		see(w, LISTING_TARGET, called, name, &st);
		add_digest(w->out, &digest);
		str_add(w->out, "\n");
	}
	return 0;
}

static int walk_dir(struct walk *w, int fd, const char *called);

static int walk_entry(struct walk *w, int dir, const char *called, const char *name)
{
	struct stat st;
	int fd, r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		see(w, LISTING_ITSELF, called, name, &st);
	if (S_ISLNK(st.st_mode))
		return add_link(w, dir, called, name);
	if (S_ISREG(st.st_mode)) {
		add_file(w, dir, called, name, &st);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	add_path(w, called, name);
	if (fd < 0) {
		see(w, LISTING_UNREADABLE, called, name, &st);
		str_add(w->out, " unreadable\n");
		return 0;
	}
	str_addf(w->out, " dir %04o\n", st.st_mode & 07777);
	if (*called) {
		_cleanup_free_ char *below = xasprintf("%s/%s", called, name);

		r = walk_dir(w, fd, below);
	} else {
		r = walk_dir(w, fd, name);
	}
	return r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_marker(const struct dirent *entry)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return entry->d_type == DT_REG && !entry->d_name[strspn(entry->d_name, chars)];
}

static void sort_names(struct strv *names)
{
	if (names->n)
		qsort(names->items, names->n, sizeof(*names->items), compare_names);
}

/* Owns fd. */
static int walk_dir(struct walk *w, int fd, const char *called)
{
	_cleanup_(strv_done) struct strv names = {0}, markers = {0};
	bool has_markers = w->markers && has_suffix(called, w->markers);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((entry = readdir(dir)))
		if (has_markers && is_marker(entry))
			strv_push(&markers, entry->d_name);
		else if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			strv_push(&names, entry->d_name);
	sort_names(&markers);
	sort_names(&names);
	for (size_t i = 0; i < markers.n; i++) {
		add_path(w, called, markers.items[i]);
		str_add(w->out, " marker\n");
	}
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = walk_entry(w, dirfd(dir), called, names.items[i]);
	closedir(dir);
	return r;
}

int listing_add_dir(struct statcache *c, const char *path, const char *name,
	struct str *ret)
{
	return listing_add_tree(c, path, name, NULL, NULL, ret);
}

int listing_add_tree(struct statcache *c, const char *path, const char *name,
	const char *markers, const struct listing_observer *observer, struct str *ret)
{
	struct walk w = {.cache = c, .out = ret, .markers = markers, .observer = observer};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0)
		see(&w, LISTING_ITSELF, name, "", &st);
	return walk_dir(&w, fd, name);
}

void listing_add_file(struct statcache *c, const char *path, const char *name, struct str *ret)
{
	struct walk w = {.cache = c, .out = ret};
	struct digest digest;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		add_path(&w, "", name);
		str_add(ret, " missing\n");
		return;
	}
	add_path(&w, "", name);
	if (statcache_digest(c, AT_FDCWD, path, &st, &digest) < 0) {
		str_add(ret, " unreadable\n");
		return;
	}
	str_addf(ret, " file %04o ", st.st_mode & 07777);
	add_digest(ret, &digest);
	str_add(ret, "\n");
}

static size_t name_length(const char *line)
{
	return strcspn(line, " ");
}

/* By name, then by the rest. */
static int compare_lines(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = name_length(x), m = name_length(y);
	int order = memcmp(x, y, n < m ? n : m);

	if (!order && n != m)
		return n < m ? -1 : 1;
	return order ? order : strcmp(x + n, y + m);
}

static void split_lines(const char *text, struct strv *ret)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		strv_take(ret, xstrndup(text, len));
		text += len;
		text += *text == '\n';
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_lines);
}

size_t listing_differences(const char *old, const char *new, size_t max, struct strv *ret)
{
	_cleanup_(strv_done) struct strv a = {0}, b = {0};
	size_t i = 0, j = 0, n = 0;

	split_lines(old, &a);
	split_lines(new, &b);
	while (i < a.n || j < b.n) {
		const char *x = i < a.n ? a.items[i] : NULL, *y = j < b.n ? b.items[j] : NULL;
		const char *how = "differs", *which = y;

		if (x && y && streq(x, y)) {
			i++;
			j++;
			continue;
		}
		if (x && y && name_length(x) == name_length(y) &&
			memcmp(x, y, name_length(x)) == 0) {
			i++;
			j++;
		} else if (!y || (x && compare_lines(&x, &y) < 0)) {
			how = "is gone";
			which = x;
			i++;
		} else {
			how = "is new";
			j++;
		}
		if (n++ < max)
			strv_pushf(ret, "%.*s %s", (int)name_length(which), which, how);
	}
	return n;
}
