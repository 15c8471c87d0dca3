/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Through which links and names can a build have reached the files that it opened? */
#include "config.h"

#include <fcntl.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/build/confine.h"
#include "builder/reuse/observed-links.h"
#include "builder/reuse/observed-values.h"

/* A symbolic link. */
struct link {
	char *path;
	char *text;   /* what it says */
	char *target; /* that as a path, in which only the last component may be a link */
	bool found;   /* it leads to an item of the manifest */
};

/* The links of the searched directories. */
struct links {
	struct link *items; /* sorted by target, after links_read() */
	size_t n;
	/* The last directory of a target, and its real path: neighbours have the same. */
	char *dir, *real_dir;
};

static void links_done(struct links *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].path);
		free(l->items[i].text);
		free(l->items[i].target);
	}
	free(l->items);
	free(l->dir);
	free(l->real_dir);
}

/* Returns the path that a link in dir leads to, with the links in all but its last
 * component resolved; NULL if there is no such directory. The caller frees. */
static char *resolve_target(struct links *l, const char *dir, const char *text)
{
	_cleanup_free_ char *path = *text == '/' ? xstrdup(text) : path_join(dir, text);
	const char *base = path_base(path);
	_cleanup_free_ char *parent = path_parent(path);

	if (!*base || streq(base, ".") || streq(base, ".."))
		return realpath(path, NULL);
	if (!l->dir || !streq(l->dir, parent)) {
		str_replace(&l->dir, parent);
		free(l->real_dir);
		l->real_dir = realpath(*parent ? parent : "/", NULL);
	}
	if (!l->real_dir)
		return NULL;
	return path_join(streq(l->real_dir, "/") ? "" : l->real_dir, base);
}

static void add_links_of(struct links *l, const char *dir)
{
	const char *prefix = streq(dir, "/") ? "" : dir;
	struct dirents entries = {0};
	int fd = dir_open_at(AT_FDCWD, dir);

	if (fd < 0)
		return;
	dirents_read_all(fd, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		char *target;

		if (!dir_entry_is_link(fd, &entries.items[i]))
			continue;
		path = path_join(prefix, entries.items[i].name);
		if (link_read(path, &text) < 0)
			continue;
		target = resolve_target(l, dir, text);
		if (!target)
			continue;
		if ((l->n & (l->n - 1)) == 0)
			l->items =
				xrealloc_array(l->items, 2 * l->n + 1, sizeof(*l->items));
		l->items[l->n++] =
			(struct link){TAKE_PTR(path), TAKE_PTR(text), target, false};
	}
	dirents_done(&entries);
	close(fd);
}

static int compare_targets(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return strcmp(x->target, y->target);
}

/* Whether the link is the one by which programs are linked with a library: libz.so, which
 * leads to libz.so.1.2.13. The loader does not use it, and machines without the package
 * for developers do not have it. */
static bool is_for_linking(const struct link *l)
{
	return has_suffix(l->path, ".so") && strstr(path_base(l->target), ".so.");
}

/* Whether the link is a further name that no build uses for a program or a directory, and
 * that only some machines have: the restricted bash, the compiler as gnat calls it, and
 * /usr/bin/X11, which is /usr/bin. */
static bool is_alias(const struct link *l)
{
	const char *name = path_base(l->path);

	return streq(l->text, ".") || streq(name, "rbash") || has_suffix(name, "gnatgcc");
}

/* Marks the links that lead to path, and those that lead to these links. */
static void find_links_to(struct links *l, const char *path)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(l->items[middle].target, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < l->n && streq(l->items[low].target, path); low++) {
		if (l->items[low].found || is_for_linking(&l->items[low]) ||
			is_alias(&l->items[low]))
			continue;
		l->items[low].found = true;
		find_links_to(l, l->items[low].path);
	}
}

/* Appends each directory above the files and directories of the manifest, and these
 * directories themselves. */
static void list_dirs(const struct manifest *m, struct strv *ret)
{
	strv_push(ret, "/");
	for (size_t i = 0; i < m->n; i++) {
		const struct manifest_item *item = &m->items[i];
		_cleanup_free_ char *path = xstrdup(item->path);
		char *slash;

		if ((item->kind != MANIFEST_FILE && item->kind != MANIFEST_DIR) ||
			has_prefix(path, "/proc/"))
			continue;
		if (item->kind == MANIFEST_DIR)
			strv_push(ret, path);
		while ((slash = strrchr(path, '/')) && slash != path) {
			*slash = '\0';
			strv_push(ret, path);
		}
	}
	strv_sort_unique(ret);
}

/* Adds the name of a file or link, if it is in $PATH. */
static void add_program(const struct job *job, const struct strv *search,
	const char *path, struct manifest *m)
{
	_cleanup_free_ char *dir = path_parent(path), *value = NULL;

	if (!strv_contains(search, dir) || !path_is_program(path))
		return;
	value = observed_value(job, MANIFEST_PROGRAM, path_base(path));
	manifest_add(m, MANIFEST_PROGRAM, path_base(path), value);
}

/* Adds that there is nothing in the place of path in /usr/local, if that is so. A library
 * may also be in the top directory for libraries there. Programs have been looked for in
 * $PATH. */
static void add_absent(const char *path, struct manifest *m)
{
	_cleanup_free_ char *local = NULL, *library = NULL;

	if (!has_prefix(path, "/usr/") || has_prefix(path, "/usr/local/") ||
		has_prefix(path, "/usr/bin/") || has_prefix(path, "/usr/sbin/"))
		return;
	local = xasprintf("/usr/local/%s", path + strlen("/usr/"));
	if (!path_exists(local))
		manifest_add(m, MANIFEST_EXISTS, local, "no");
	if (!strstr(path_base(path), ".so"))
		return;
	library = path_join("/usr/local/lib", path_base(path));
	if (!path_exists(library))
		manifest_add(m, MANIFEST_EXISTS, library, "no");
}

void observed_add_links(const struct job *job, struct manifest *m)
{
	_cleanup_(strv_done) struct strv dirs = {0}, above = {0}, search = {0};
	_cleanup_free_ char *copy = NULL;
	struct links links = {0};
	size_t n = m->n;
	char *dir, *rest;

	copy = rest = xstrdup(build_search_path(job));
	while ((dir = strsep(&rest, ":")))
		strv_push(&search, dir);
	list_dirs(m, &above);
	strv_extend(&dirs, &above);
	strv_extend(&dirs, &search);
	strv_push(&dirs, "/etc/alternatives");
	strv_sort_unique(&dirs);
	for (size_t i = 0; i < dirs.n; i++)
		add_links_of(&links, dirs.items[i]);
	if (links.n)
		qsort(links.items, links.n, sizeof(*links.items), compare_targets);
	for (size_t i = 0; i < above.n; i++)
		find_links_to(&links, above.items[i]);
	for (size_t i = 0; i < n; i++) {
		if (m->items[i].kind != MANIFEST_FILE)
			continue;
		find_links_to(&links, m->items[i].path);
		add_program(job, &search, m->items[i].path, m);
		add_absent(m->items[i].path, m);
	}
	for (size_t i = 0; i < links.n; i++) {
		if (!links.items[i].found)
			continue;
		manifest_add(m, MANIFEST_LINK, links.items[i].path, links.items[i].text);
		add_program(job, &search, links.items[i].path, m);
		add_absent(links.items[i].path, m);
	}
	links_done(&links);
}
