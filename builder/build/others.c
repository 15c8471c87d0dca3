/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do builds see of other packages? */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/walk.h"
#include "builder/build/build.h"
#include "builder/build/others.h"
#include "builder/build/places.h"

/* The directories of which a build sees a part. */
enum part { SOURCE_TREE, KERNEL_DIR };

/* With so many packages, their mounts take some 40 ms of each command of a build; with 1,000, they
 * take 2 s. */
#define PACKAGES_MAX 128

/* Returns the path of a directory outside of the sandbox. It belongs to the job. */
static const char *real_dir(const struct job *job, enum part part)
{
	return part == SOURCE_TREE ? job->shared->settings->trees.source
				   : job->kernel->dir;
}

/* Whether an entry of the source tree belongs to a kernel. */
static bool is_of_kernel(const char *name)
{
	return has_prefix(name, "linux") || has_prefix(name, "kernel");
}

bool others_are_few(const char *source_tree, struct strv *warnings)
{
	_cleanup_(strv_done) struct strv names = {0};
	size_t n = 0;

	(void)dir_list(source_tree, &names);
	for (size_t i = 0; i < names.n; i++)
		n += names.items[i][0] != '.' && !is_of_kernel(names.items[i]);
	if (n > PACKAGES_MAX && warnings)
		strv_pushf(warnings,
			"%s has %zu packages: builds see those in BUILD_DEPENDS, but not the others "
			"as with %d or fewer", source_tree, n, PACKAGES_MAX);
	return n <= PACKAGES_MAX;
}

/* Whether depmod(8) writes the file. It replaces them by renaming others. */
static bool is_list(const char *name)
{
	static const char *const names[] = {"modules.alias", "modules.alias.bin",
		"modules.dep", "modules.dep.bin", "modules.devname", "modules.softdep",
		"modules.symbols", "modules.symbols.bin", "modules.weakdep"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(name, names[i]))
			return true;
	return has_prefix(name, "modules.builtin") || streq(name, "modules.order");
}

static bool shows(const struct job *job, enum part part, const char *name)
{
	_cleanup_free_ char *path = path_join(real_dir(job, part), name);

	if (*name == '.')
		return false;
	if (part == SOURCE_TREE)
		return !is_of_kernel(name) && path_is_dir(path);
	return !streq(name, "build") && !streq(name, "source") &&
	       (is_list(name) || path_is_dir(path));
}

/* Whether one of the trees, of which builds see parts at the most, is in the directory. */
static bool has_tree(const struct job *job, const char *real)
{
	const struct settings *s = job->shared->settings;
	const char *const trees[] = {s->trees.dkms, s->trees.source, s->trees.install,
		s->config_dir, s->cache.dir, job->kernel->dir, job->kernel->headers};

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		_cleanup_free_ char *tree = trees[i] ? realpath(trees[i], NULL) : NULL;

		if (tree && path_is_in(tree, real))
			return true;
	}
	return false;
}

/* Whether the path leads to a directory that builds do not see, out of the one that it is
 * in; or to one that its owner may not show. */
static bool leads_out(const char *path, const char *dir)
{
	struct read_guard guard = {0};
	_cleanup_free_ char *real = NULL, *real_top = realpath(dir, NULL);
	_cleanup_close_ int fd = guard_resolve(path, &guard, &real);

	return fd < 0 || !real_top ||
	       (!path_is_below(real, real_top) && sandbox_hides_path(real));
}

void others_show(const struct job *job, struct sandbox *box)
{
	for (enum part part = SOURCE_TREE; part <= KERNEL_DIR; part++) {
		const char *dir = real_dir(job, part);
		_cleanup_(strv_done) struct strv names = {0};

		if (!job->shared->shows_others || dir_list(dir, &names) < 0)
			continue;
		for (size_t i = 0; i < names.n; i++) {
			_cleanup_free_ char *path = path_join(dir, names.items[i]);
			_cleanup_free_ char *real = realpath(path, NULL);

			if (real && shows(job, part, names.items[i]) &&
				!leads_out(path, dir) && !has_tree(job, real))
				places_show(job->build, path, box);
		}
	}
}

/* Notes by which paths builds and the machine know the directories: a build opens thousands
 * of files, and each is compared with them. */
static void find_part_paths(const struct job *job)
{
	struct strv *paths = &job->build->part_paths;

	for (enum part part = SOURCE_TREE; part <= KERNEL_DIR; part++) {
		char *real = realpath(real_dir(job, part), NULL);

		strv_take(paths, places_path(job->build, real_dir(job, part)));
		strv_take(paths, real ? real : xstrdup(""));
	}
}

/* Returns the directory at path, or -1. */
static int find_part(const struct job *job, const char *path)
{
	const struct strv *paths = &job->build->part_paths;

	if (!paths->n)
		find_part_paths(job);
	for (size_t i = 0; i < paths->n; i++)
		if (streq(path, paths->items[i]))
			return (int)(i / 2);
	return -1;
}

bool others_is_partial(const struct job *job, const char *path)
{
	return job->shared->shows_others && find_part(job, path) >= 0;
}

bool others_shows_entry(const struct job *job, const char *path, const char *name)
{
	int part = find_part(job, path);

	return part >= 0 && shows(job, (enum part)part, name);
}

bool others_shows(const struct job *job, const char *path)
{
	_cleanup_free_ char *top = xstrdup(path);
	char *slash;

	while (job->shared->shows_others && (slash = strrchr(top, '/')) && slash != top) {
		*slash = '\0';
		/* What does not exist is seen not to exist. */
		if (find_part(job, top) == SOURCE_TREE)
			return !is_of_kernel(slash + 1);
		if (find_part(job, top) == KERNEL_DIR)
			return !streq(slash + 1, "build") && !streq(slash + 1, "source");
	}
	return false;
}

/* Appends "MODULE/PATH" for each module file in a directory of the kernel's. */
static void list_in(const struct kernel *k, const char *dir, struct strv *ret)
{
	_cleanup_free_ char *path = path_join(k->dir, dir);
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, path, 0);

	while (r == 0 && (e = walk_next(&w))) {
		const char *end = strstr(e->name, ".ko");

		if (e->type != DT_DIR && end)
			strv_pushf(ret, "%.*s/%s/%s", (int)(end - e->name), e->name, dir,
				e->path);
	}
}

/* Lists the files of all modules that did not come with the kernel. */
static void list_modules(const struct job *job)
{
	const struct kernel *k = job->kernel;
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(k->dir, &names);
	for (size_t i = 0; i < names.n; i++)
		if (!is_list(names.items[i]) && !streq(names.items[i], "kernel") &&
			shows(job, KERNEL_DIR, names.items[i]))
			list_in(k, names.items[i], &job->build->other_modules);
	strv_sort(&job->build->other_modules);
	job->build->other_modules_known = true;
}

void others_forget_modules(const struct job *job)
{
	strv_done(&job->build->other_modules);
	job->build->other_modules_known = false;
}

void others_find_module(const struct job *job, const char *name, struct str *ret)
{
	_cleanup_free_ char *prefix = xasprintf("%s/", name);
	const struct strv *list = &job->build->other_modules;
	size_t first = 0, end;

	if (!job->build->other_modules_known)
		list_modules(job);
	for (end = list->n; first < end;) {
		size_t middle = first + (end - first) / 2;

		if (strcmp(list->items[middle], prefix) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	for (; first < list->n && has_prefix(list->items[first], prefix); first++)
		str_addf(ret, "%s\n", list->items[first] + strlen(prefix));
}
