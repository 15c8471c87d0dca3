/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the content of a directory as text. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/strv.h"
#include "base/walk.h"
#include "cache/listing.h"

/* A listing that is being made. */
struct lister {
	struct statcache *cache;
	const struct listing_observer *observer; /* or NULL */
	const char *name;    /* the paths in the listing begin with it; "" for nothing */
	const char *markers; /* paths of directories with markers end in it; or NULL */
	struct str path;     /* of the entry, as in the listing */
	struct str *result;
	/* In a directory with markers, lines of other entries are collected in rest,
	 * because they follow the markers. */
	struct str rest;
	struct str *out;     /* where a line goes: result or &rest */
	size_t marker_depth; /* the depth of entries in the directory with markers */
};

static void tell(const struct lister *l, enum listing_event event, const char *path,
	const struct stat *st)
{
	if (l->observer)
		l->observer->on_event(l->observer->userdata, event, path, st);
}

void listing_add_escaped(struct str *ret, const char *text)
{
	for (const char *c = text; *c;) {
		size_t plain = 0;

		while ((unsigned char)c[plain] > ' ' && c[plain] != '\\' &&
			c[plain] != 0x7f)
			plain++;
		str_add_bytes(ret, c, plain);
		c += plain;
		if (*c)
			str_addf(ret, "\\%03o", (unsigned char)*c++);
	}
}

static void add_digest(struct str *out, const struct digest *digest)
{
	char hex[DIGEST_HEX];

	digest_hex(digest, hex);
	str_add(out, hex);
}

static void add_file(struct lister *l, const struct walk_entry *e, const struct stat *st)
{
	struct digest digest;

	if (statcache_digest(l->cache, e->parent, e->name, st, &digest) < 0) {
		tell(l, LISTING_UNREADABLE, e->path, st);
		str_add(l->out, " unreadable\n");
		return;
	}
	str_addf(l->out, " file %04o ", st->st_mode & 07777);
	add_digest(l->out, &digest);
	str_add(l->out, "\n");
}

static void add_link(struct lister *l, const struct walk_entry *e, const char *target)
{
	struct digest digest;
	struct stat st;

	str_add(l->out, " link ");
	listing_add_escaped(l->out, target);
	str_add(l->out, " ");
	if (fstatat(e->parent, e->name, &st, 0) < 0 || !S_ISREG(st.st_mode)) {
		tell(l, LISTING_NO_TARGET, e->path, NULL);
		str_add(l->out, "-\n");
	} else if (statcache_digest(l->cache, e->parent, e->name, &st, &digest) < 0) {
		tell(l, LISTING_UNREADABLE, e->path, &st);
		str_add(l->out, "-\n");
	} else {
		tell(l, LISTING_TARGET, e->path, &st);
		add_digest(l->out, &digest);
		str_add(l->out, "\n");
	}
}

/* Sets l->path to the path that an entry has in the listing. */
static void set_path(struct lister *l, const char *path)
{
	l->path.len = 0;
	if (*l->name) {
		str_add(&l->path, l->name);
		str_add(&l->path, "/");
	}
	str_add(&l->path, path);
}

/* Called before the entries of the directory at l->path, which have the given depth. */
static void begin_markers(struct lister *l, size_t depth)
{
	if (l->markers && l->out == l->result && has_suffix(l->path.data, l->markers)) {
		l->out = &l->rest;
		l->marker_depth = depth;
	}
}

/* Called after the entries of a directory with markers. Adds the remaining lines. */
static void end_markers(struct lister *l)
{
	if (l->out == l->result)
		return;
	str_add_bytes(l->result, l->rest.data, l->rest.len);
	l->rest.len = 0;
	l->out = l->result;
}

static void add_dir(struct lister *l, const struct walk_entry *e, const struct stat *st)
{
	if (e->error) {
		tell(l, LISTING_UNREADABLE, e->path, st);
		str_add(l->out, " unreadable\n");
		return;
	}
	str_addf(l->out, " dir %04o\n", st->st_mode & 07777);
	begin_markers(l, e->depth + 1);
}

static bool may_be_marker(const struct walk_entry *e)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	return e->type == DT_REG && !e->name[strspn(e->name, chars)];
}

/* Returns whether the entry is a marker, of which only the name is listed. */
static bool is_marker(const struct lister *l, const struct walk_entry *e)
{
	return l->out != l->result && e->depth == l->marker_depth && may_be_marker(e);
}

bool listing_is_marker(const char *dir, const char *markers, const struct walk_entry *e)
{
	_cleanup_free_ char *parent = NULL;
	size_t n = strlen(e->path) - strlen(e->name);

	if (!markers || !may_be_marker(e))
		return false;
	parent = n ? xasprintf("%s/%.*s", dir, (int)n - 1, e->path) : xstrdup(dir);
	return has_suffix(parent, markers);
}

static int add_entry(struct lister *l, const struct walk_entry *e)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n = 0;

	if (e->depth < l->marker_depth)
		end_markers(l);
	if (e->type == DT_UNKNOWN)
		return e->error;
	if (e->type != DT_REG && e->type != DT_LNK && e->type != DT_DIR)
		return 0;
	set_path(l, e->path);
	if (is_marker(l, e)) {
		listing_add_escaped(l->result, l->path.data);
		str_add(l->result, " marker\n");
		return 0;
	}
	if (fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (IFTODT(st.st_mode) != e->type)
		return 0; /* it was replaced, which has changed its directory's times */
	tell(l, LISTING_ENTRY, e->path, &st);
	if (e->type == DT_LNK) {
		n = readlinkat(e->parent, e->name, target, sizeof(target) - 1);
		if (n < 0)
			return errno == ENOENT ? 0 : -errno;
		target[n] = '\0';
	}
	listing_add_escaped(l->out, l->path.data);
	if (e->type == DT_LNK)
		add_link(l, e, target);
	else if (e->type == DT_REG)
		add_file(l, e, &st);
	else
		add_dir(l, e, &st);
	return 0;
}

int listing_add_dir(
	struct statcache *c, const char *path, const char *name, struct str *ret)
{
	return listing_add_tree(c, path, name, NULL, NULL, ret);
}

int listing_add_tree(struct statcache *c, const char *path, const char *name,
	const char *markers, const struct listing_observer *observer, struct str *ret)
{
	struct lister l = {.cache = c,
		.observer = observer,
		.name = name,
		.markers = markers,
		.out = ret,
		.result = ret};
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0)
		tell(&l, LISTING_ENTRY, "", &st);
	str_add(&l.path, name);
	begin_markers(&l, 0);
	r = walk_begin_at(&w, fd, WALK_SORTED);
	while (r == 0 && (e = walk_next(&w)))
		r = add_entry(&l, e);
	end_markers(&l);
	str_done(&l.rest);
	str_done(&l.path);
	return r;
}

void listing_add_file(
	struct statcache *c, const char *path, const char *name, struct str *ret)
{
	struct digest digest;
	struct stat st;

	listing_add_escaped(ret, name);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		str_add(ret, " missing\n");
		return;
	}
	if (statcache_digest(c, AT_FDCWD, path, &st, &digest) < 0) {
		str_add(ret, " unreadable\n");
		return;
	}
	str_addf(ret, " file %04o ", st.st_mode & 07777);
	add_digest(ret, &digest);
	str_add(ret, "\n");
}

static size_t word_length(const char *line)
{
	return strcspn(line, " ");
}

/* Orders lines by their first word, then by the rest. */
static int compare_lines(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t n = word_length(x), m = word_length(y);
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

static void add_change(
	struct listing_changes *ret, size_t max, const char *x, const char *y)
{
	const char *line = y ? y : x;
	size_t n = word_length(line);
	struct listing_change *c;

	if (ret->all++ >= max)
		return;
	ret->items = xrealloc_array(ret->items, ret->n + 1, sizeof(*ret->items));
	c = &ret->items[ret->n++];
	c->name = xstrndup(line, n);
	c->was = x ? xstrdup(x + n + (x[n] == ' ')) : NULL;
	c->now = y ? xstrdup(y + n + (y[n] == ' ')) : NULL;
}

void listing_find_changes(
	const char *old, const char *new, size_t max, struct listing_changes *ret)
{
	_cleanup_(strv_done) struct strv a = {0}, b = {0};
	size_t i = 0, j = 0;

	split_lines(old, &a);
	split_lines(new, &b);
	while (i < a.n || j < b.n) {
		const char *x = i < a.n ? a.items[i] : NULL,
			   *y = j < b.n ? b.items[j] : NULL;

		if (x && y && streq(x, y)) {
			i++;
			j++;
		} else if (x && y && word_length(x) == word_length(y) &&
			   memcmp(x, y, word_length(x)) == 0) {
			add_change(ret, max, x, y);
			i++;
			j++;
		} else if (!y || (x && compare_lines(&x, &y) < 0)) {
			add_change(ret, max, x, NULL);
			i++;
		} else {
			add_change(ret, max, NULL, y);
			j++;
		}
	}
}

void listing_changes_done(struct listing_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].name);
		free(c->items[i].was);
		free(c->items[i].now);
	}
	free(c->items);
	*c = (struct listing_changes){0};
}

const char *listing_change_word(const struct listing_change *c)
{
	return !c->was ? "is new" : !c->now ? "is gone" : "differs";
}

size_t listing_differences(const char *old, const char *new, size_t max, struct strv *ret)
{
	_cleanup_(listing_changes_done) struct listing_changes c = {0};

	listing_find_changes(old, new, max, &c);
	for (size_t i = 0; i < c.n; i++)
		strv_pushf(
			ret, "%s %s", c.items[i].name, listing_change_word(&c.items[i]));
	return c.all;
}
