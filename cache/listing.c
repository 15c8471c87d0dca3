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
};

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
	if (fstatat(dir, name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
		statcache_digest(w->cache, dir, name, &st, &digest) == 0) {
		add_digest(w->out, &digest);
		str_add(w->out, "\n");
		return 0;
	}
	str_add(w->out, "-\n");
	return 0;
}

static int walk_dir(struct walk *w, int fd, const char *called);

static int walk_entry(struct walk *w, int dir, const char *called, const char *name)
{
	struct stat st;
	int fd, r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
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

/* Owns fd. */
static int walk_dir(struct walk *w, int fd, const char *called)
{
	_cleanup_(strv_done) struct strv names = {0};
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((entry = readdir(dir)))
		if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
			strv_push(&names, entry->d_name);
	if (names.n)
		qsort(names.items, names.n, sizeof(*names.items), compare_names);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = walk_entry(w, dirfd(dir), called, names.items[i]);
	closedir(dir);
	return r;
}

int listing_add_dir(struct statcache *c, const char *path, const char *name,
	struct str *ret)
{
	struct walk w = {.cache = c, .out = ret};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
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

static size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* Whether a line of the text has the same first word; a full scan, for one answer. */
static bool has_path(const char *text, const char *path, size_t len)
{
	for (; *text; text += line_length(text), text += *text == '\n')
		if (strncmp(text, path, len) == 0 && (text[len] == ' ' || text[len] == '\n'))
			return true;
	return false;
}

char *listing_difference(const char *old, const char *new, const char **ret_how)
{
	while (*old || *new) {
		size_t a = line_length(old), b = line_length(new);
		size_t old_path = strcspn(old, " \n"), new_path = strcspn(new, " \n");

		if (*old && *new && a == b && memcmp(old, new, a) == 0) {
			old += a + (old[a] == '\n');
			new += b + (new[b] == '\n');
			continue;
		}
		if (*old && *new && old_path == new_path && memcmp(old, new, old_path) == 0)
			*ret_how = "differs";
		else if (*old && !has_path(new, old, old_path))
			*ret_how = "is gone";
		else
			*ret_how = "is new";
		return streq(*ret_how, "is gone") ? xstrndup(old, old_path)
						  : xstrndup(new, new_path);
	}
	return NULL;
}
