/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What did killed processes leave in the dkms tree?
 *
 * They leave the directories of their builds, whose content build.c describes. The next
 * build of the same module for the same kernel would replace such a directory, but there
 * may be none: the module may have been installed before its process was killed.
 *
 * Looking for these directories takes longer than an autoinstall that has nothing to do.
 * Therefore each run that builds has a locked directory .run-xxxxxx in the dkms tree. If
 * another process can lock such a directory, the process of that run was killed and may
 * have left something. */
#include "config.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/staging.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree.h"

#define JOB_PREFIX ".job-"
#define BUILT_PREFIX ".built-"
#define RUN_PREFIX ".run-"

/* Moves the logs back that a build without namespaces has moved aside. */
static void restore_logs(const char *version_dir)
{
	_cleanup_free_ char *seen = path_join(version_dir, "build");
	_cleanup_free_ char *aside = path_join(version_dir, ".logs");

	if (path_exists(aside) && dir_remove(seen, NULL) == 0)
		rename(aside, seen);
}

/* Removes the links that stood at RELEASE/ARCH while POST_BUILD ran: see
 * builder/build/post-build.h. */
static void remove_links(const char *version_dir, const char *release)
{
	_cleanup_free_ char *dir = path_join(version_dir, release);
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *place = path_join(dir, names.items[i]);
		_cleanup_free_ char *target = NULL;

		if (link_read(place, &target) == 0)
			unlink(place);
	}
	rmdir(dir); /* fails if something is built */
}

/* Moves back what was moved aside for such a link. name is ".built-RELEASE-ARCH". */
static void restore_built(const char *version_dir, const char *name)
{
	const char *release = name + strlen(BUILT_PREFIX);
	const char *arch = strrchr(release, '-');
	_cleanup_free_ char *aside = path_join(version_dir, name);
	_cleanup_free_ char *dir = NULL, *place = NULL;

	if (!arch)
		return;
	dir = xasprintf("%s/%.*s", version_dir, (int)(arch - release), release);
	place = path_join(dir, arch + 1);
	if (dir_make(dir, NULL) == 0 && path_look(place) == 0)
		rename(aside, place);
}

static void restore_places(
	const char *dkms_tree, const char *version_dir, const struct strv *entries)
{
	struct lock lock = {0};

	if (lock_try(dkms_tree, version_dir, &lock, NULL) < 0)
		return;
	restore_logs(version_dir);
	for (size_t i = 0; i < entries->n; i++)
		if (tree_check_release(entries->items[i], NULL) == 0)
			remove_links(version_dir, entries->items[i]);
	for (size_t i = 0; i < entries->n; i++)
		if (has_prefix(entries->items[i], BUILT_PREFIX))
			restore_built(version_dir, entries->items[i]);
	lock_release(&lock);
}

/* Removes the directory of a job unless a process works in it. */
static void remove_job_dir(const char *dkms_tree, const char *path)
{
	struct lock lock = {0};

	if (lock_try(dkms_tree, path, &lock, NULL) < 0)
		return;
	dir_remove(path, NULL);
	lock_release(&lock);
}

static void remove_from_version(
	const char *dkms_tree, const char *name, const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_(strv_done) struct strv entries = {0};

	dir_list(dir, &entries);
	restore_places(dkms_tree, dir, &entries);
	for (size_t i = 0; i < entries.n; i++) {
		_cleanup_free_ char *path = path_join(dir, entries.items[i]);

		if (has_prefix(entries.items[i], JOB_PREFIX))
			remove_job_dir(dkms_tree, path);
	}
	staging_remove_leftovers(dir, TREE_STAGE);
}

static void remove_from_module(const char *dkms_tree, const char *name)
{
	_cleanup_free_ char *dir = path_join(dkms_tree, name);
	_cleanup_(strv_done) struct strv versions = {0};

	tree_list_versions(dkms_tree, name, &versions);
	for (size_t i = 0; i < versions.n; i++)
		remove_from_version(dkms_tree, name, versions.items[i]);
	staging_remove_leftovers(dir, TREE_STAGE);
	rmdir(dir); /* fails, as it should, if the module has a version */
}

void leftovers_mark_run(const char *dkms_tree, struct run_mark *ret)
{
	if (staging_make(dkms_tree, RUN_PREFIX, &ret->path, &ret->lock, NULL) < 0)
		*ret = (struct run_mark){0};
}

void leftovers_unmark_run(struct run_mark *m)
{
	if (!m->path)
		return;
	rmdir(m->path);
	close(m->lock);
	free(m->path);
	*m = (struct run_mark){0};
}

void leftovers_expect(const char *dkms_tree)
{
	struct run_mark mark = {0};

	leftovers_mark_run(dkms_tree, &mark);
	if (mark.path)
		close(mark.lock);
	free(mark.path);
}

bool leftovers_exist(const char *dkms_tree)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dkms_tree, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dkms_tree, names.items[i]);

		if (has_prefix(names.items[i], RUN_PREFIX) && staging_is_leftover(path))
			return true;
	}
	return false;
}

void leftovers_remove(const struct settings *s)
{
	const char *dkms_tree = s->trees.dkms;
	_cleanup_(strv_done) struct strv names = {0};

	if (!leftovers_exist(dkms_tree))
		return;
	tree_list_modules(dkms_tree, &names);
	for (size_t i = 0; i < names.n; i++)
		remove_from_module(dkms_tree, names.items[i]);
	lock_remove_leftovers(dkms_tree);
	staging_remove_leftovers(s->trees.source, SOURCE_STAGE);
	staging_remove_leftovers(s->tmp_location, DEPMOD_STAGE);
	staging_remove_leftovers(s->tmp_location, PACKAGE_STAGE);
	staging_remove_leftovers(dkms_tree, RUN_PREFIX);
}
