/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Through which links and names can a build have reached the files that it opened? */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/run/trace.h"
#include "builder/build/build.h"
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

/* As many links in a path as the kernel follows. */
#define LINKS_MAX 40

/* The links of the searched directories. */
struct links {
	struct strv dirs;      /* these directories, sorted */
	struct timespec began; /* when the build did */
	char *changed; /* a link or directory that has changed since then, or NULL */
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
	strv_done(&l->dirs);
	free(l->changed);
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

static void set_changed(struct links *l, const char *path)
{
	if (!l->changed)
		l->changed = xstrdup(path);
}

static bool has_sorted(const struct strv *list, const char *text)
{
	return strv_find_sorted(list, text) < list->n;
}

static bool is_recent(const struct links *l, const struct timespec *time)
{
	return timespec_ns(time) >= timespec_ns(&l->began);
}

/* Whether a package installs the path. */
static bool is_of_system(const char *path)
{
	return path_is_in(path, "/usr") && !path_is_in(path, "/usr/local");
}

/* Notes if the link was made while the build ran, which may then have gone through
 * another one to a file that is still there. When a package replaces a library, the file
 * that the link led to is gone. */
static void check_link(struct links *l, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 ||
		(is_recent(l, &st.st_ctim) &&
			!(is_of_system(path) && strstr(path_base(path), ".so"))))
		set_changed(l, path);
}

/* Notes if a directory that leads to an opened file was renamed while the build ran, or
 * if something was renamed or removed there, which may have been a link. Packages do so
 * all the time, but they do not leave the files at the ends of such links. The directories
 * in which the sandbox shows only a part do not count. */
static void check_dir(struct links *l, const char *path)
{
	static const char *const partly_shown[] = {"/", "/etc", "/var", "/var/lib"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(partly_shown); i++)
		if (streq(path, partly_shown[i]))
			return;
	if (stat(path, &st) < 0 || !is_recent(l, &st.st_ctim))
		return;
	if (!is_of_system(path) || !is_recent(l, &st.st_mtim))
		set_changed(l, path);
}

static void add_link(struct links *l, const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(streq(dir, "/") ? "" : dir, name);
	_cleanup_free_ char *text = NULL, *target = NULL, *parent = NULL, *final = NULL;

	if (link_read(path, &text) < 0)
		return;
	check_link(l, path);
	target = resolve_target(l, dir, text);
	if (!target)
		return;
	/* If the target is a link as well, it is among the items or must be followed. */
	parent = path_parent(target);
	if (!has_sorted(&l->dirs, *parent ? parent : "/"))
		final = realpath(target, NULL);
	if ((l->n & (l->n - 1)) == 0)
		l->items = xrealloc_array(l->items, 2 * l->n + 1, sizeof(*l->items));
	l->items[l->n++] = (struct link){TAKE_PTR(path), TAKE_PTR(text),
		final ? TAKE_PTR(final) : TAKE_PTR(target), false};
}

static void add_links_of(struct links *l, const char *dir)
{
	struct dirents entries = {0};
	int fd = dir_open_at(AT_FDCWD, dir);

	if (fd < 0)
		return;
	dirents_read_all(fd, &entries);
	for (size_t i = 0; i < entries.n; i++)
		if (dir_entry_is_link(fd, &entries.items[i]))
			add_link(l, dir, entries.items[i].name);
	dirents_done(&entries);
	close(fd);
}

static int compare_targets(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return strcmp(x->target, y->target);
}

/* Whether the link is the one by which programs are linked with a library of the system:
 * libz.so, which leads to libz.so.1.2.13. The loader does not use it, and machines without
 * the package for developers do not have it. */
static bool is_for_linking(const struct link *l)
{
	const char *name = path_base(l->path), *library = path_base(l->target);

	return is_of_system(l->path) && has_suffix(name, ".so") &&
	       has_prefix(library, name) && library[strlen(name)] == '.';
}

/* Whether the link is a further name that no build uses for a program or a directory, and
 * that only some machines have: the restricted bash, the compiler as gnat calls it, and
 * /usr/bin/X11, which is /usr/bin. */
static bool is_alias(const struct link *l)
{
	const char *name = path_base(l->path);

	return is_of_system(l->path) && (streq(l->text, ".") || streq(name, "rbash") ||
						has_suffix(name, "gnatgcc"));
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

/* Adds each link on the way along an absolute path. */
static void add_trail(const char *path, struct manifest *m)
{
	_cleanup_free_ char *at = xstrdup(""), *todo = xstrdup(path);
	size_t n_links = 0;

	while (*todo) {
		size_t len = strcspn(todo, "/");
		_cleanup_free_ char *name = xstrndup(todo, len), *text = NULL;
		_cleanup_free_ char *here = NULL, *rest = xstrdup(todo + len + !!todo[len]);

		if (streq(name, "..")) {
			here = path_parent(at);
		} else if (!*name || streq(name, ".")) {
			here = xstrdup(at);
		} else {
			here = path_join(at, name);
			if (link_read(here, &text) == 0)
				manifest_add(m, MANIFEST_LINK, here, text);
		}
		if (!text)
			str_replace(&at, here);
		else if (*text == '/')
			str_replace(&at, "");
		free(todo);
		todo = text ? path_join(text, rest) : TAKE_PTR(rest);
		if (text && ++n_links > LINKS_MAX)
			return;
	}
}

/* Adds that there is nothing at path, or the link that is there. */
static void add_place(struct links *l, const char *path, struct manifest *m)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		manifest_add(m, MANIFEST_EXISTS, path, "no");
	else if (is_recent(l, &st.st_ctim))
		set_changed(l, path);
	else if (S_ISLNK(st.st_mode))
		add_trail(path, m);
}

/* Adds what is in the place of path in /usr/local. A library may also be in the top
 * directory for libraries there. Programs have been looked for in $PATH. */
static void add_local(struct links *l, const char *path, struct manifest *m)
{
	_cleanup_free_ char *local = NULL, *library = NULL;

	if (!has_prefix(path, "/usr/") || has_prefix(path, "/usr/local/") ||
		has_prefix(path, "/usr/bin/") || has_prefix(path, "/usr/sbin/"))
		return;
	local = xasprintf("/usr/local/%s", path + strlen("/usr/"));
	add_place(l, local, m);
	if (!strstr(path_base(path), ".so"))
		return;
	library = path_join("/usr/local/lib", path_base(path));
	add_place(l, library, m);
}

/* Adds the links on the way along the paths that the package mentions, if they lead to a
 * file or directory of the manifest. above has the directories. */
static void add_mentioned(const struct strv *above, struct manifest *m)
{
	_cleanup_(strv_done) struct strv files = {0};
	size_t n = m->n;

	for (size_t i = 0; i < n; i++)
		if (m->items[i].kind == MANIFEST_FILE)
			strv_push(&files, m->items[i].path);
	strv_sort_unique(&files);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL, *real = NULL;

		if (m->items[i].kind != MANIFEST_EXISTS)
			continue;
		path = xstrdup(m->items[i].path);
		real = realpath(path, NULL);
		if (real && !streq(real, path) &&
			(has_sorted(&files, real) || has_sorted(above, real)))
			add_trail(path, m);
	}
}

/* Adds the links that were found, and how they can be reached. */
static void add_found(const struct job *job, const struct strv *search, struct links *l,
	struct manifest *m)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!l->items[i].found)
			continue;
		add_trail(l->items[i].path, m);
		add_program(job, search, l->items[i].path, m);
		add_local(l, l->items[i].path, m);
	}
}

char *observed_add_links(const struct job *job, struct manifest *m)
{
	_cleanup_(strv_done) struct strv above = {0}, search = {0};
	struct links links = {.began = trace_began(job->build->trace)};
	_cleanup_free_ char *copy = NULL;
	size_t n = m->n;
	char *dir, *rest, *changed;

	copy = rest = xstrdup(build_search_path(job));
	while ((dir = strsep(&rest, ":")))
		strv_push(&search, dir);
	list_dirs(m, &above);
	strv_extend(&links.dirs, &above);
	strv_extend(&links.dirs, &search);
	strv_push(&links.dirs, "/etc/alternatives");
	strv_sort_unique(&links.dirs);
	for (size_t i = 0; i < links.dirs.n; i++)
		add_links_of(&links, links.dirs.items[i]);
	for (size_t i = 0; i < above.n; i++)
		check_dir(&links, above.items[i]);
	if (links.n)
		qsort(links.items, links.n, sizeof(*links.items), compare_targets);
	for (size_t i = 0; i < above.n; i++)
		find_links_to(&links, above.items[i]);
	for (size_t i = 0; i < n; i++) {
		if (m->items[i].kind != MANIFEST_FILE)
			continue;
		find_links_to(&links, m->items[i].path);
		add_program(job, &search, m->items[i].path, m);
		add_local(&links, m->items[i].path, m);
	}
	add_found(job, &search, &links, m);
	add_mentioned(&above, m);
	changed = TAKE_PTR(links.changed);
	links_done(&links);
	return changed;
}
