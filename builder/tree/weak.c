/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules does a kernel have by links to those of another kernel? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/dirents.h"
#include "base/file.h"
#include "base/walk.h"
#include "builder/tree/weak.h"

/* How deep to look for links. weak-modules(8) makes the same directories as below extra/
 * or updates/, which are not deep. */
#define DEPTH_MAX 8

struct finder {
	const struct settings *settings;
	const struct tree_filter *filter;
	char *install_tree; /* its real path */
	struct tree_list *list;
	size_t n_before;            /* the number of entries that list had before */
	struct tree_list installed; /* all of the tree; read at the first link */
	bool installed_known;
	struct error *err;
};

/* Adds an entry that says that the installed entry from serves the kernel release, unless
 * it has been added. */
static void add_entry(
	struct finder *f, const struct tree_entry *from, const char *release)
{
	struct tree_list *l = f->list;

	for (size_t i = f->n_before; i < l->n; i++) {
		const struct tree_entry *e = &l->entries[i];

		if (streq(e->name, from->name) && streq(e->version, from->version) &&
			streq(e->release, release) && streq(e->arch, from->arch) &&
			streq(e->weak_release, from->release))
			return; /* by the link to another module of this version */
	}
	l->entries = xrealloc_array(l->entries, l->n + 1, sizeof(*l->entries));
	l->entries[l->n++] = (struct tree_entry){
		.name = xstrdup(from->name),
		.version = xstrdup(from->version),
		.release = xstrdup(release),
		.arch = xstrdup(from->arch),
		.weak_release = xstrdup(from->release),
		.state = STATE_INSTALLED_WEAK,
	};
}

/* Adds the version to which the module file at path belongs. A link of the kernel release
 * leads to path, which is in the directory of the kernel from. */
static void add_owner(
	struct finder *f, const char *release, const char *from, const char *path)
{
	for (size_t i = 0; i < f->installed.n; i++) {
		const struct tree_entry *e = &f->installed.entries[i];
		_cleanup_free_ char *dir = NULL, *built = NULL;

		if (e->state != STATE_INSTALLED || !streq(e->release, from) ||
			!tree_filter_passes(f->filter,
				version_on_kernel(e->name, e->version, release, e->arch)))
			continue;
		dir = tree_module_dir(f->settings->trees.dkms, tree_entry_on_kernel(e));
		built = path_join(dir, path_base(path));
		if (file_same_bytes(built, path) == 1) {
			add_entry(f, e, release);
			return;
		}
	}
}

/* Looks at a link at path, INSTALLTREE/release/weak-updates/..., and adds an entry if it
 * leads to a module that is installed for another kernel. */
static int look_at_link(struct finder *f, const char *release, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *from = NULL;
	const char *rest;
	int r;

	if (!real || !has_prefix(real, f->install_tree))
		return 0;
	rest = real + strlen(f->install_tree);
	rest += strspn(rest, "/");
	from = xstrndup(rest, strcspn(rest, "/"));
	if (streq(from, release))
		return 0;
	if (!f->installed_known) {
		r = tree_read(f->settings->trees.dkms, f->settings->trees.source, NULL,
			&f->installed, f->err);
		if (r < 0)
			return r;
		f->installed_known = true;
	}
	add_owner(f, release, from, real);
	return 0;
}

/* Looks at the links below path. A directory that is missing or cannot be read has none.
 */
static int look_at_links(struct finder *f, const char *release, const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = 0;

	if (walk_begin(&w, path, WALK_VISIBLE) < 0)
		return 0;
	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *child = path_join(path, e->path);

		if (e->type == DT_LNK)
			r = look_at_link(f, release, child);
		else if (e->depth == DEPTH_MAX)
			walk_skip(&w);
	}
	return r;
}

int weak_add_entries(const struct settings *s, const struct tree_filter *filter,
	struct tree_list *list, struct error *err)
{
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, s->trees.install);
	_cleanup_(dirents_done) struct dirents releases = {0};
	struct finder f = {.settings = s,
		.filter = filter,
		.list = list,
		.n_before = list->n,
		.err = err};
	int r = 0;

	if (fd < 0 || dirents_read(fd, &releases) < 0)
		return 0;
	f.install_tree = realpath(s->trees.install, NULL);
	for (size_t i = 0; i < releases.n && r == 0 && f.install_tree; i++) {
		const char *release = releases.items[i].name;
		_cleanup_free_ char *path =
			xasprintf("%s/%s/weak-updates", f.install_tree, release);

		r = look_at_links(&f, release, path);
	}
	if (list->n > f.n_before)
		tree_list_sort(list);
	tree_list_done(&f.installed);
	free(f.install_tree);
	return r;
}
