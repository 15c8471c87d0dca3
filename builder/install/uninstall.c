/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are modules removed from a kernel's tree, and built modules deleted? Originals,
 * which the install has moved to the dkms tree, are restored. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "base/staging.h"
#include "base/walk.h"
#include "builder/tree/installed-files.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"
#include "builder/install/destinations.h"
#include "builder/install/kernel-lock.h"
#include "builder/install/rivals.h"
#include "builder/install/uninstall.h"

/* The saved originals of a kernel: the paths in the dkms tree, and where each of them
 * belongs in the kernel's tree. */
struct originals {
	struct strv saved, paths;
};

static void originals_done(struct originals *o)
{
	strv_done(&o->saved);
	strv_done(&o->paths);
}

/* Finds the path in the kernel's tree from which the file saved was moved away: the one
 * in its .origin file. Older versions of dkms wrote no such file; then it is in the
 * directory of the installed module of that name. Sets *ret to NULL if there is none. */
static int find_origin(struct job *job, const char *saved,
	const struct destinations *installed, char **ret)
{
	_cleanup_free_ char *path = xasprintf("%s.origin", saved);
	_cleanup_free_ char *name = module_name_of_file(saved);
	_cleanup_(str_done) struct str origin = {0};
	int r = file_read(path, 4096, &origin, NULL);

	*ret = NULL;
	if (r < 0 && r != -ENOENT)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", path);
	if (r == 0 && origin.len) {
		origin.data[strcspn(origin.data, "\n")] = '\0';
		if (has_prefix(origin.data, job->kernel->dir) &&
			origin.data[strlen(job->kernel->dir)] == '/' &&
			!strstr(origin.data, "/../")) {
			*ret = str_take(&origin);
			return 0;
		}
	}
	for (size_t i = 0; name && i < installed->n && !*ret; i++) {
		const char *dest = installed->items[i].path;

		if (dest && streq(installed->items[i].name, name))
			*ret = path_beside(dest, path_base(saved));
	}
	return 0;
}

/* Adds the file at path, relative to dir, the directory of the originals, if it is a
 * module whose origin is known. For a file in a subdirectory, which is "collisions", the
 * rest of path is the path below the kernel's directory; for other files see
 * find_origin(). */
static int add_original(struct job *job, const char *dir, const char *path,
	const struct destinations *installed, struct originals *ret)
{
	_cleanup_free_ char *from = path_join(dir, path);
	_cleanup_free_ char *name = module_name_of_file(from);
	const char *slash = strchr(path, '/');
	char *to = NULL;
	int r = 0;

	if (!name)
		return 0;
	if (slash)
		to = path_join(job->kernel->dir, slash + 1);
	else
		r = find_origin(job, from, installed, &to);
	if (to) {
		strv_push(&ret->saved, from);
		strv_take(&ret->paths, to);
	}
	return r;
}

/* Lists the saved modules in dir. */
static int find_originals(struct job *job, const char *dir,
	const struct destinations *installed, struct originals *ret)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, dir, WALK_SORTED);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", dir);
	while (r == 0 && (e = walk_next(&w))) {
		if (e->error)
			r = error_errno(&job->outcome.error, e->error, 1,
				"cannot read %s/%s", dir, e->path);
		else if (e->type != DT_DIR)
			r = add_original(job, dir, e->path, installed, ret);
	}
	return r;
}

/* Tells that a file is left alone; once. */
static void say_left(struct job *job, const char *path)
{
	_cleanup_free_ char *line = xasprintf(
		"%s is left as it is, because it is not what dkms has installed", path);

	if (!strv_contains(&job->outcome.warnings, line))
		strv_push(&job->outcome.warnings, line);
}

/* Returns 1 if there is a file in place of the original saved, which is to be copied to path. That
 * file is not ours: the kernel's package has been installed again since, or an uninstall that was
 * killed has put the original there. Only the record tells; without one, a file that is left
 * there may be ours. Returns 0 otherwise, or a negative errno. */
static int look_in_place(struct job *job, const struct destinations *installed,
	const char *saved, const char *path)
{
	int r = installed->has_record ? path_look(path) : 0;

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot look at %s", path);
	if (r > 0 && file_same_bytes(saved, path) != 1)
		say_left(job, path);
	return r;
}

/* Copies the modules back to the kernel's tree. */
static int restore_originals(
	struct job *job, const struct originals *o, const struct destinations *installed)
{
	int r = 0;

	for (size_t i = 0; i < o->saved.n && r == 0; i++) {
		_cleanup_free_ char *dir = path_parent(o->paths.items[i]);

		r = look_in_place(job, installed, o->saved.items[i], o->paths.items[i]);
		if (r > 0) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = dir_make(dir, &job->outcome.error);
		strv_push(&job->outcome.moved, o->paths.items[i]);
		staging_remove_temporaries(o->paths.items[i]);
		if (r == 0)
			r = file_copy(o->saved.items[i], o->paths.items[i],
				&job->outcome.error);
	}
	return r;
}

/* Removes what killed processes have left beside the saved files: temporary files, and
 * .origin files of files that are gone. The
 * kernel's lock is held, so no running process uses them. */
static void remove_old_temporaries(const char *dir)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);
		size_t len = strlen(path) - strlen(".origin");
		_cleanup_free_ char *saved = xstrndup(path, has_suffix(path, ".origin") ? len : 0);

		if (*names.items[i] == '.' || (*saved && path_look(saved) == 0))
			unlink(path);
	}
}

static int remove_file(struct job *job, const char *path)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno(
			&job->outcome.error, -errno, 1, "cannot remove %s", path);
	return 0;
}

/* Removes the saved files, which have been restored, and the directories that are empty
 * then, up to the package's directory. The next install or uninstall would take a file
 * that stays for the kernel's. */
static int remove_saved(struct job *job, const struct originals *o, const char *dir)
{
	_cleanup_free_ char *package =
		path_join(job->shared->settings->trees.dkms, job->name);
	int r = 0;

	for (size_t i = 0; i < o->saved.n && r == 0; i++) {
		_cleanup_free_ char *origin = xasprintf("%s.origin", o->saved.items[i]);

		r = remove_file(job, o->saved.items[i]);
		if (r == 0)
			r = remove_file(job, origin);
	}
	remove_old_temporaries(dir);
	dir_remove_empty(dir);
	dir_prune(dir, package);
	return r;
}

/* Moves a saved original, and its .origin file, to the originals of another package. */
static int move_original(struct job *job, const char *saved, const char *dir)
{
	_cleanup_free_ char *to = path_join(dir, path_base(saved));
	_cleanup_free_ char *origin = xasprintf("%s.origin", saved);
	_cleanup_free_ char *origin_to = xasprintf("%s.origin", to);

	if ((rename(origin, origin_to) < 0 && errno != ENOENT) || rename(saved, to) < 0)
		return error_errno(
			&job->outcome.error, -errno, 1, "cannot move %s to %s", saved, to);
	return 0;
}

/* Takes the original of the module out of the list. Returns its path, which the caller frees; NULL
 * if there is none. */
static char *take_original(struct originals *o, const char *module)
{
	for (size_t i = 0; i < o->saved.n; i++) {
		_cleanup_free_ char *name = module_name_of_file(o->saved.items[i]);
		char *saved = o->saved.items[i];

		if (!name || !streq(name, module))
			continue;
		free(o->paths.items[i]);
		o->saved.items[i] = o->saved.items[--o->saved.n];
		o->paths.items[i] = o->paths.items[--o->paths.n];
		return saved;
	}
	return NULL;
}

/* If another package has replaced the file f, it has saved f as the original. It gets the original
 * of f instead: when it is removed, this version is not installed any more. */
static int hand_over_original(
	struct job *job, const struct destination *f, struct originals *o)
{
	_cleanup_free_ char *dir = f->path ? NULL : rivals_find_successor(job, f->file, f->built);
	_cleanup_free_ char *stale = NULL, *origin = NULL, *saved = NULL;
	int r = 0;

	if (!dir)
		return 0;
	stale = path_join(dir, f->file);
	origin = xasprintf("%s.origin", stale);
	saved = take_original(o, f->name);
	if (saved)
		r = move_original(job, saved, dir);
	if (r == 0 && (!saved || !streq(path_base(saved), f->file))) {
		r = remove_file(job, stale);
		if (r == 0)
			r = remove_file(job, origin);
	}
	if (r == 0 && dir_sync(dir) < 0)
		r = error_errno(&job->outcome.error, -errno, 1, "cannot write %s", dir);
	return r;
}

static int remove_files(struct job *job, const struct destinations *installed)
{
	for (size_t i = 0; i < installed->n; i++) {
		const char *dest = installed->items[i].path;
		_cleanup_free_ char *dir = NULL;

		if (dest && installed->items[i].foreign)
			say_left(job, dest);
		if (!dest || installed->items[i].foreign)
			continue;
		if (remove_file(job, dest) < 0)
			return -EIO;
		strv_push(&job->outcome.removed, dest);
		dir = path_parent(dest);
		dir_prune(dir, job->kernel->dir);
	}
	return 0;
}

/* For a version that is not installed: only files with the content of the built ones belong to it,
 * left by an install that was killed, and those that the record has. Without a sign of such an
 * install, the same module is another package's or the kernel's: a build can copy any module. That a
 * dkms was killed, perhaps for another package, is no sign. Sets the paths of all other files to
 * NULL. Sets *any if there are such files. */
static int keep_identical_files(struct job *job, struct destinations *found,
	const struct originals *originals, bool *any)
{
	/* An install writes the record first. */
	bool killed = (job->kernel->unfinished && found->has_record) || originals->saved.n;

	for (size_t i = 0; i < found->n; i++) {
		struct destination *f = &found->items[i];
		bool is_own = f->path && killed && !destinations_are_of_others(job, f);
		int r = is_own && f->recorded ? 1
			: is_own		 ? file_same_bytes(f->path, f->built)
						 : 0;

		if (r < 0 && r != -ENOENT)
			return error_errno(&job->outcome.error, r, 1,
				"cannot compare %s with %s", f->path, f->built);
		if (r != 1)
			free(TAKE_PTR(f->path));
		*any |= r == 1;
	}
	return 0;
}

/* Finds out what has to be done, before anything is changed. Sets *any to whether the
 * version or something of it is installed. */
static int look_at_installed(struct job *job, const char *originals_dir,
	struct destinations *installed, struct originals *originals, bool *any)
{
	struct kernel *k = job->kernel;
	_cleanup_free_ char *version = NULL;
	int r = tree_read_installed(job->shared->settings->trees.dkms, job_on_kernel(job),
		&version, &job->outcome.error);

	if (r == 0 && version)
		r = kernel_find_modules(k, &job->outcome.error);
	if (r == 0)
		r = destinations_list_installed(
			job, job->version, installed, &job->outcome.error);
	if (r == 0)
		r = find_originals(job, originals_dir, installed, originals);
	*any = version || originals->saved.n;
	if (r == 0 && !version)
		r = keep_identical_files(job, installed, originals, any);
	/* POST_REMOVE may not have run. */
	*any |= k->unfinished;
	return r;
}

/* Writes the kernel's tree to disk, before the dkms tree forgets what belongs there. */
static int sync_kernel(struct job *job)
{
	const char *dir = job->kernel->dir;
	int r = dir_sync_all(dir);

	if (r < 0 && r != -ENOENT)
		return error_errno(&job->outcome.error, r, 1, "cannot write %s", dir);
	return 0;
}

static int uninstall_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(destinations_done) struct destinations installed = {0};
	_cleanup_(originals_done) struct originals originals = {0};
	_cleanup_free_ char *dir =
		tree_original_dir(s->trees.dkms, job_on_kernel(job));
	bool any;
	int r = look_at_installed(job, dir, &installed, &originals, &any);

	if (r < 0 || !any)
		return r;
	r = kernel_begin_change(job);
	if (r < 0)
		return r;
	/* The originals are restored first, then the link is removed that says which
	 * version is installed, and the saved originals and the record last. If dkms is
	 * killed in between, uninstalling again does the rest. */
	r = remove_files(job, &installed);
	if (r < 0 && !job->outcome.removed.n) {
		kernel_end_change(job); /* nothing is changed */
		return r;
	}
	for (size_t i = 0; i < installed.n && r == 0; i++)
		r = hand_over_original(job, &installed.items[i], &originals);
	if (r == 0)
		r = restore_originals(job, &originals, &installed);
	if (r == 0)
		r = sync_kernel(job);
	if (r == 0)
		r = tree_set_installed(
			s->trees.dkms, job_on_kernel(job), false, &job->outcome.error);
	if (r == 0)
		r = remove_saved(job, &originals, dir);
	if (r == 0)
		r = installed_files_remove(
			s->trees.dkms, job_on_kernel(job), &job->outcome.error);
	kernel_forget_modules(job->kernel);
	job->outcome.changed_kernel = true;
	if (r < 0)
		return r;
	kernel_end_change(job);
	job->outcome.uninstalled = true;
	return 0;
}

int uninstall_work(struct job *job)
{
	return kernel_lock_and_call(job, uninstall_locked);
}

enum transition uninstall_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *version = NULL;

	if (tree_read_installed(s->trees.dkms, job_on_kernel(job), &version,
		    &job->outcome.error) < 0)
		return TRANSITION_FAIL;
	if (version && !streq(version, job->version))
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
