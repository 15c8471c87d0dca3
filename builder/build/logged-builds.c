/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds have left a log? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/build/logged-builds.h"
#include "builder/tree/names.h"

#define LOG_MAX (64 * 1024 * 1024) /* bytes */

static void push(struct logged_builds *l, struct version_on_kernel on, char *log, int64_t when_s)
{
	l->items = xrealloc_array(l->items, l->n + 1, sizeof(*l->items));
	l->items[l->n++] = (struct logged_build){xstrdup(on.name), xstrdup(on.version),
		xstrdup(on.release), xstrdup(on.arch), log, when_s};
}

/* Appends the build whose log is in the entry RELEASE-ARCH of the directory dir, VERSION/build,
 * which fd is open on, if it is such an entry and passes the filter. */
static void add_entry(const struct settings *s, int fd, const char *dir, const char *entry,
	struct version_on_kernel on, const struct tree_filter *filter, struct logged_builds *ret)
{
	const char *dash = strrchr(entry, '-');
	_cleanup_free_ char *release = dash ? xstrndup(entry, (size_t)(dash - entry)) : NULL;
	_cleanup_free_ char *log = path_join(entry, "make.log");
	_cleanup_free_ char *kernel = NULL;
	struct stat st;

	if (!dash || tree_check_release(release, NULL) < 0 || is_empty(dash + 1) ||
		fstatat(fd, log, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	on.release = release;
	on.arch = dash + 1;
	kernel = path_join(s->trees.install, release);
	if (tree_filter_passes(filter, on) && path_is_dir(kernel))
		push(ret, on, path_join(dir, log), st.st_mtime);
}

static int list_version(const struct settings *s, const struct tree_filter *filter,
	struct version_on_kernel on, struct logged_builds *ret)
{
	_cleanup_free_ char *version = tree_version_dir(s->trees.dkms, on.name, on.version);
	_cleanup_free_ char *dir = path_join(version, "build");
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, dir);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int r = fd < 0 ? fd : dirents_read(fd, &dirents);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	dirents_sort(&dirents);
	for (size_t i = 0; i < dirents.n; i++)
		if (dir_entry_may_be_dir(&dirents.items[i]))
			add_entry(s, fd, dir, dirents.items[i].name, on, filter, ret);
	return 0;
}

static int list_module(const struct settings *s, const struct tree_filter *filter,
	const char *name, struct logged_builds *ret)
{
	_cleanup_(strv_done) struct strv versions = {0};
	int r = tree_list_versions(s->trees.dkms, name, &versions);

	for (size_t i = 0; r == 0 && i < versions.n; i++) {
		struct version_on_kernel on =
			version_on_kernel(name, versions.items[i], NULL, NULL);

		if (tree_filter_passes(filter, on))
			r = list_version(s, filter, on, ret);
	}
	return r;
}

int logged_builds_list_failed(const struct settings *s, const struct tree_filter *filter,
	struct logged_builds *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = tree_list_modules(s->trees.dkms, &names);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", s->trees.dkms);
	for (size_t i = 0; i < names.n; i++) {
		if (!tree_filter_passes(
			    filter, version_on_kernel(names.items[i], NULL, NULL, NULL)))
			continue;
		r = list_module(s, filter, names.items[i], ret);
		if (r < 0)
			return error_errno(err, r, 1, "cannot read the builds of %s in %s",
				names.items[i], s->trees.dkms);
	}
	return 0;
}

int logged_builds_list_built(const struct settings *s, const struct tree_filter *filter,
	struct logged_builds *ret, struct error *err)
{
	struct tree_list list = {0};
	int r = tree_read(s->trees.dkms, s->trees.source, filter, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct version_on_kernel on = tree_entry_on_kernel(&list.entries[i]);
		enum tree_state state = list.entries[i].state;
		_cleanup_free_ char *dir = NULL, *log = NULL;
		struct stat st;

		if (state != STATE_BUILT && state != STATE_INSTALLED)
			continue;
		dir = tree_built_dir(s->trees.dkms, on);
		log = path_join(dir, "log/make.log");
		if (stat(log, &st) == 0)
			push(ret, on, TAKE_PTR(log), st.st_mtime);
	}
	tree_list_done(&list);
	return r;
}

void logged_builds_done(struct logged_builds *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		free(l->items[i].version);
		free(l->items[i].release);
		free(l->items[i].arch);
		free(l->items[i].log);
	}
	free(l->items);
	*l = (struct logged_builds){0};
}

const struct logged_build *logged_builds_newest(const struct logged_builds *l)
{
	const struct logged_build *newest = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (!newest || l->items[i].when_s >= newest->when_s)
			newest = &l->items[i];
	return newest;
}

int logged_build_read(const struct settings *s, const struct logged_build *b, struct str *ret_text,
	struct buildlog_summary *ret, struct error *err)
{
	_cleanup_free_ char *dir = NULL;
	int r = file_read_tail(b->log, LOG_MAX, ret_text, err);

	if (r < 0)
		return r;
	dir = buildlog_build_dir(ret_text->data, s->trees.dkms, b->name, b->version);
	buildlog_summarize(ret_text->data, dir, ret);
	return 0;
}
