/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which directories does a build for a kernel read? */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "base/guard.h"
#include "builder/host/header-trees.h"

/* A Makefile that only includes another is a few lines; the real one has some 70 KiB and
 * is not read (bytes). */
#define WRAPPER_MAX 8192

/* Adds the real path of a directory, unless it is inside one that is listed already. by says
 * who has named it: builds must not see what he may not read. */
static void add_tree(const char *path, const struct read_guard *by, struct strv *ret)
{
	struct read_guard guard = *by;
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int fd = guard_resolve(path, &guard, &real);

	if (fd < 0 || streq(real, "/") || !path_is_dir(real))
		return;
	for (size_t i = 0; i < ret->n; i++)
		if (path_is_in(real, ret->items[i]))
			return;
	strv_push(ret, real);
}

/* Adds the directory that a word in the Makefile of dir names: the word is the path of a
 * directory with a Makefile, or of that Makefile. */
static void add_word(const char *dir, const char *word, size_t len,
	const struct read_guard *by, struct strv *ret)
{
	_cleanup_free_ char *name = xstrndup(word, len);
	_cleanup_free_ char *path = *name == '/' ? xstrdup(name) : path_join(dir, name);
	_cleanup_free_ char *below = path_join(path, "Makefile");

	if (path_is_file(below)) {
		add_tree(path, by, ret);
	} else if (has_suffix(path, "/Makefile") && path_is_file(path)) {
		path[strlen(path) - strlen("/Makefile")] = '\0';
		add_tree(path, by, ret);
	}
}

/* Adds the directories that the Makefile of dir names. */
static void add_included(const char *dir, struct strv *ret)
{
	_cleanup_free_ char *path = path_join(dir, "Makefile");
	_cleanup_(str_done) struct str text = {0};
	struct read_guard guard;
	struct stat st;
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);

	if (fd < 0 || file_read_fd(fd, WRAPPER_MAX, &text) < 0)
		return;
	guard_enter(&guard, &st);
	for (const char *at = text.data; *at;) {
		size_t len;

		at += strspn(at, " \t\n=:;()\"'");
		len = strcspn(at, " \t\n=:;()\"'");
		if (memchr(at, '/', len))
			add_word(dir, at, len, &guard, ret);
		at += len;
	}
}

/* Adds the target of the link at path, or the target's parent directory if that has a
 * Makefile, because links further down may lead to the rest of it. */
static void add_target(const char *path, struct strv *ret)
{
	static const struct read_guard root;
	struct read_guard guard = root;
	_cleanup_free_ char *real = NULL;
	_cleanup_close_ int fd = guard_resolve(path, &guard, &real);
	_cleanup_free_ char *parent = real ? path_parent(real) : NULL;
	_cleanup_free_ char *makefile = parent ? path_join(parent, "Makefile") : NULL;

	if (makefile && path_is_file(makefile))
		add_tree(parent, guard.exchangeable ? &guard : &root, ret);
	else
		add_tree(path, &root, ret);
}

/* Adds the targets of all links at the top of dir, in the order of their names. */
static void add_linked(const char *dir, struct strv *ret)
{
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, dir);
	_cleanup_(dirents_done) struct dirents dirents = {0};

	if (fd < 0 || dirents_read_all(fd, &dirents) < 0)
		return;
	dirents_sort(&dirents);
	for (size_t i = 0; i < dirents.n; i++) {
		_cleanup_free_ char *path = NULL;

		if (!dir_entry_is_link(fd, &dirents.items[i]))
			continue;
		path = path_join(dir, dirents.items[i].name);
		add_target(path, ret);
	}
}

static void find_trees(const struct kernel *k, struct strv *ret)
{
	_cleanup_free_ char *source = path_join(k->dir, "source");
	const struct read_guard root = {0};

	add_tree(k->headers, &root, ret);
	add_tree(source, &root, ret);
	/* The loop also visits the directories that it adds. */
	for (size_t i = 0; i < ret->n; i++) {
		add_included(ret->items[i], ret);
		add_linked(ret->items[i], ret);
	}
}

void header_trees_list(struct kernel *k, struct strv *ret)
{
	pthread_mutex_lock(&k->header_trees_lock);
	if (!k->header_trees_known)
		find_trees(k, &k->header_trees);
	k->header_trees_known = true;
	strv_extend(ret, &k->header_trees);
	pthread_mutex_unlock(&k->header_trees_lock);
}
