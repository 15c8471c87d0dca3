/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds have failed? Finds the logs that they have left. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/build/failed-builds.h"
#include "builder/tree/names.h"

void failed_builds_push(struct failed_builds *f, struct version_on_kernel on, const char *log,
	int64_t when_s)
{
	f->items = xrealloc_array(f->items, f->n + 1, sizeof(*f->items));
	f->items[f->n++] = (struct failed_build){xstrdup(on.name), xstrdup(on.version),
		xstrdup(on.release), xstrdup(on.arch), xstrdup(log), when_s};
}

/* Appends the build whose log is in the entry RELEASE-ARCH of the directory fd, VERSION/build,
 * if it is such an entry and passes the filter. */
static void add_entry(int fd, const char *entry, struct version_on_kernel on,
	const char *dkms_tree, const char *install_tree, const struct tree_filter *filter,
	struct failed_builds *ret)
{
	const char *dash = strrchr(entry, '-');
	_cleanup_free_ char *release = dash ? xstrndup(entry, (size_t)(dash - entry)) : NULL;
	_cleanup_free_ char *log = path_join(entry, "make.log");
	_cleanup_free_ char *kernel = NULL, *path = NULL;
	struct stat st;

	if (!dash || tree_check_release(release, NULL) < 0 || is_empty(dash + 1) ||
		fstatat(fd, log, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	on.release = release;
	on.arch = dash + 1;
	kernel = path_join(install_tree, release);
	if (!tree_filter_passes(filter, on) || !path_is_dir(kernel))
		return;
	path = xasprintf("%s/%s/%s/build/%s", dkms_tree, on.name, on.version, log);
	failed_builds_push(ret, on, path, st.st_mtime);
}

static int list_version(const char *dkms_tree, const char *install_tree,
	const struct tree_filter *filter, struct version_on_kernel on, struct failed_builds *ret)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, on.name, on.version);
	_cleanup_free_ char *build = path_join(dir, "build");
	_cleanup_close_ int fd = dir_open_at(AT_FDCWD, build);
	_cleanup_(dirents_done) struct dirents dirents = {0};
	int r = fd < 0 ? fd : dirents_read(fd, &dirents);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	dirents_sort(&dirents);
	for (size_t i = 0; i < dirents.n; i++)
		if (dir_entry_may_be_dir(&dirents.items[i]))
			add_entry(fd, dirents.items[i].name, on, dkms_tree, install_tree,
				filter, ret);
	return 0;
}

static int list_module(const char *dkms_tree, const char *install_tree,
	const struct tree_filter *filter, const char *name, struct failed_builds *ret)
{
	_cleanup_(strv_done) struct strv versions = {0};
	int r = tree_list_versions(dkms_tree, name, &versions);

	for (size_t i = 0; r == 0 && i < versions.n; i++) {
		struct version_on_kernel on =
			version_on_kernel(name, versions.items[i], NULL, NULL);

		if (tree_filter_passes(filter, on))
			r = list_version(dkms_tree, install_tree, filter, on, ret);
	}
	return r;
}

int failed_builds_list(const char *dkms_tree, const char *install_tree,
	const struct tree_filter *filter, struct failed_builds *ret, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = tree_list_modules(dkms_tree, &names);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", dkms_tree);
	for (size_t i = 0; i < names.n; i++) {
		if (!tree_filter_passes(
			    filter, version_on_kernel(names.items[i], NULL, NULL, NULL)))
			continue;
		r = list_module(dkms_tree, install_tree, filter, names.items[i], ret);
		if (r < 0)
			return error_errno(err, r, 1, "cannot read the builds of %s in %s",
				names.items[i], dkms_tree);
	}
	return 0;
}

void failed_builds_done(struct failed_builds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->items[i].name);
		free(f->items[i].version);
		free(f->items[i].release);
		free(f->items[i].arch);
		free(f->items[i].log);
	}
	free(f->items);
	*f = (struct failed_builds){0};
}

const struct failed_build *failed_builds_newest(const struct failed_builds *f)
{
	const struct failed_build *newest = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (!newest || f->items[i].when_s >= newest->when_s)
			newest = &f->items[i];
	return newest;
}
