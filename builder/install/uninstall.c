/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are modules removed from a kernel's tree, and built modules deleted? Originals,
 * which the install has moved to the dkms tree, are restored. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"
#include "builder/install/destinations.h"
#include "builder/install/kernel-lock.h"
#include "builder/install/uninstall.h"

/* Returns the path in the kernel's tree from which the file saved was moved away: the one
 * in its .origin file. Older versions of dkms wrote no such file; then it is in the
 * directory of the installed module of that name. NULL if there is none. The caller
 * frees. */
static char *find_origin(const struct job *job, const char *saved,
	const struct destinations *installed)
{
	_cleanup_free_ char *path = xasprintf("%s.origin", saved);
	_cleanup_free_ char *name = module_name_of_file(saved);
	struct str origin = {0};

	if (file_read(path, 4096, &origin, NULL) == 0 && origin.len) {
		origin.data[strcspn(origin.data, "\n")] = '\0';
		if (has_prefix(origin.data, job->kernel->dir) &&
			origin.data[strlen(job->kernel->dir)] == '/' &&
			!strstr(origin.data, "/../"))
			return str_take(&origin);
	}
	str_done(&origin);
	for (size_t i = 0; name && i < installed->n; i++) {
		const char *dest = installed->items[i].path;

		if (dest && streq(installed->items[i].name, name))
			return path_beside(dest, path_base(saved));
	}
	return NULL;
}

static int restore_file(struct job *job, const char *from, const char *to)
{
	_cleanup_free_ char *dir = path_parent(to);
	int r = dir_make(dir, &job->outcome.error);

	strv_push(&job->outcome.moved, to);
	return r < 0 ? r : file_copy(from, to, &job->outcome.error);
}

/* Returns the path in the kernel's tree to which a saved module is restored. path is its
 * path below dir, the directory of the originals. For a file in a subdirectory, which is
 * "collisions", the rest of path is the path below the kernel's directory; for other
 * files see find_origin(). Returns NULL if the file is no module, or its origin is
 * unknown. The caller frees. */
static char *original_path(struct job *job, const char *dir, const char *path,
	const struct destinations *installed)
{
	_cleanup_free_ char *from = path_join(dir, path);
	_cleanup_free_ char *name = module_name_of_file(from);
	const char *slash = strchr(path, '/');

	if (!name)
		return NULL;
	return slash ? path_join(job->kernel->dir, slash + 1)
		     : find_origin(job, from, installed);
}

/* Copies the modules in dir back to the kernel's tree, and appends their paths in dir to
 * restored. */
static int restore_originals(struct job *job, const char *dir,
	const struct destinations *installed, struct strv *restored)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = 0;

	if (walk_begin(&w, dir, WALK_SORTED) < 0)
		return 0;
	while (r == 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *from = path_join(dir, e->path);
		_cleanup_free_ char *to =
			e->type == DT_DIR ? NULL
					  : original_path(job, dir, e->path, installed);

		if (to) {
			r = restore_file(job, from, to);
			strv_push(restored, from);
		}
	}
	return r;
}

/* Removes the saved files that have been restored, and the directories that are empty
 * then, up to the package's directory. */
static void remove_saved(
	const struct strv *restored, const char *originals, const char *package)
{
	for (size_t i = 0; i < restored->n; i++) {
		_cleanup_free_ char *origin = xasprintf("%s.origin", restored->items[i]);

		unlink(restored->items[i]);
		unlink(origin);
	}
	dir_remove_empty(originals);
	dir_prune(originals, package);
}

static int remove_files(struct job *job, const struct destinations *installed)
{
	for (size_t i = 0; i < installed->n; i++) {
		const char *dest = installed->items[i].path;
		_cleanup_free_ char *dir = NULL;

		if (!dest)
			continue;
		if (unlink(dest) < 0 && errno != ENOENT)
			return error_errno(
				&job->outcome.error, -errno, 1, "cannot remove %s", dest);
		strv_push(&job->outcome.removed, dest);
		dir = path_parent(dest);
		dir_prune(dir, job->kernel->dir);
	}
	return 0;
}

/* For a version that is not installed: only files with the content of the built ones
 * belong to it, left by an install that was killed. Sets the paths of all other files to
 * NULL. Returns whether such files or saved originals exist. */
static bool keep_identical_files(struct destinations *found, const char *originals)
{
	_cleanup_(strv_done) struct strv saved = {0};
	bool any = false;

	for (size_t i = 0; i < found->n; i++) {
		struct destination *f = &found->items[i];

		if (f->path && file_same_bytes(f->path, f->built) != 1)
			free(TAKE_PTR(f->path));
		any |= f->path != NULL;
	}
	dir_list(originals, &saved);
	for (size_t i = 0; i < saved.n; i++) {
		_cleanup_free_ char *name = module_name_of_file(saved.items[i]);

		any |= name != NULL;
	}
	return any;
}

static int uninstall_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(destinations_done) struct destinations installed = {0};
	_cleanup_(strv_done) struct strv restored = {0};
	_cleanup_free_ char *package = path_join(s->trees.dkms, job->name);
	_cleanup_free_ char *originals =
		tree_original_dir(s->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *version =
		tree_installed_version(s->trees.dkms, job_on_kernel(job));
	int r = 0;

	if (version && path_is_dir(k->dir))
		r = kernel_find_modules(k, &job->outcome.error);
	if (r < 0)
		return r;
	destinations_list_installed(job, job->version, &installed);
	if (!version && !keep_identical_files(&installed, originals))
		return 0;
	/* The originals are restored first, then the link is removed that says which
	 * version is installed, and the saved originals last. If dkms is killed in
	 * between, uninstalling again does the rest. */
	r = remove_files(job, &installed);
	if (r == 0)
		r = restore_originals(job, originals, &installed, &restored);
	if (r == 0)
		r = tree_set_installed(
			s->trees.dkms, job_on_kernel(job), false, &job->outcome.error);
	if (r == 0)
		remove_saved(&restored, originals, package);
	kernel_forget_modules(k);
	if (r == 0)
		job->outcome.uninstalled = job->outcome.changed_kernel = true;
	return r;
}

int uninstall_work(struct job *job)
{
	return kernel_lock_and_call(job, uninstall_locked);
}

enum transition uninstall_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *version = NULL;

	if (job->outcome.state_before < STATE_INSTALLED)
		version = tree_installed_version(s->trees.dkms, job_on_kernel(job));
	if (version)
		return TRANSITION_NEXT; /* another version is installed */
	job->ask.work = uninstall_work;
	return TRANSITION_WORK;
}

enum transition post_remove_enter(struct job *job)
{
	if (!job->outcome.uninstalled || !job->conf)
		return TRANSITION_NEXT;
	return hook_enter(job, "POST_REMOVE", job->conf->post_remove);
}

static int unpublish_work(struct job *job)
{
	int r = tree_unpublish(job->shared->settings->trees.dkms, job_on_kernel(job),
		&job->outcome.error);

	if (r == 0)
		job->outcome.unbuilt = true;
	return r;
}

enum transition unpublish_enter(struct job *job)
{
	job->ask.work = unpublish_work;
	return TRANSITION_WORK;
}
