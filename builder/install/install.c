/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are built modules installed in a kernel's tree?
 *
 * 1. All new files are written to temporary names in the directories of their paths, and
 * listed in the record of the installed files.
 * 2. The kernel's own modules of the same names, the originals, are moved to the dkms
 * tree.
 * 3. The new files are renamed to their paths.
 * 4. The link in the dkms tree is set that says which version is installed. Files that are gone
 * then leave the record.
 *
 * If a step fails, the steps before it are undone. If dkms is killed before step 4, new
 * files may be in the kernel's tree although their version does not count as installed.
 * The next install recognizes them by the kernel's mark and their content:
 * set_from_killed_install(). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/staging.h"
#include "builder/host/version.h"
#include "builder/module/examine.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"
#include "builder/install/destinations.h"
#include "builder/install/install.h"
#include "builder/install/kernel-lock.h"
#include "builder/install/originals.h"
#include "builder/install/record.h"
#include "builder/install/undo.h"

/* JOB_PRE_INSTALL */

enum transition pre_install_enter(struct job *job)
{
	return hook_enter(job, "PRE_INSTALL", job->conf->pre_install);
}

enum transition pre_install_leave(struct job *job, const struct outcome *outcome)
{
	_cleanup_free_ char *how = NULL;

	if (outcome_ok(outcome) || job->request.force)
		return hook_leave(job, outcome);
	str_add_bytes(&job->outcome.output, outcome->out.data, outcome->out.len);
	str_add_bytes(&job->outcome.output, outcome->err.data, outcome->err.len);
	how = outcome_describe(outcome, &job->ask.command);
	error_set(
		&job->outcome.error, -ECANCELED, 101, "PRE_INSTALL refused: it %s", how);
	error_remedy(&job->outcome.error, "--force installs the module anyway");
	return TRANSITION_FAIL;
}

/* JOB_INSTALLING */

static bool is_installed_file(const struct destinations *previous, const char *path)
{
	for (size_t i = 0; i < previous->n; i++)
		if (previous->items[i].path && streq(previous->items[i].path, path))
			return true;
	return false;
}

static bool has_module(const struct destinations *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->items[i].name, name))
			return true;
	return false;
}

/* Whether an install of this package on the kernel may have been killed. */
static bool may_be_killed(const struct job *job)
{
	_cleanup_free_ char *originals =
		tree_original_dir(job->shared->settings->trees.dkms, job_on_kernel(job));

	return job->kernel->unfinished || path_look(originals) != 0;
}

/* Finds out whether the file at f->path was put there by an install that was killed: it
 * has the content of the built file, and the installed version has no file with other
 * content for this module. Without a sign of such an install, it is an original. */
static int set_from_killed_install(struct job *job, const struct destinations *previous,
	struct destination *f)
{
	int r;

	for (size_t i = 0; i < previous->n; i++) {
		if (!streq(previous->items[i].name, f->name))
			continue;
		r = file_same_bytes(previous->items[i].built, f->built);
		if (r < 0 && r != -ENOENT)
			return error_errno(&job->outcome.error, r, 1,
				"cannot compare %s with %s", previous->items[i].built,
				f->built);
		if (r != 0)
			return 0;
	}
	r = file_same_bytes(f->path, f->built);
	if (r < 0 && r != -ENOENT)
		return error_errno(&job->outcome.error, r, 1, "cannot compare %s with %s",
			f->path, f->built);
	f->is_same = r == 1;
	f->from_killed_install =
		f->is_same && may_be_killed(job) && !destinations_are_of_others(job, f);
	return 0;
}

/* Appends the paths of all modules in the kernel's tree that have the name of f, and that
 * neither this install nor a version of this package has put there. */
static void find_foreign_modules(const struct job *job,
	const struct destinations *previous, const struct destination *f,
	struct strv *ret)
{
	const struct kernel *k = job->kernel;

	for (size_t i = 0; i < k->n_modules; i++) {
		_cleanup_free_ char *path = NULL;

		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		if (!is_installed_file(previous, path) &&
			!strv_contains(&job->outcome.added, path) &&
			!(f->from_killed_install && streq(path, f->path)))
			strv_push(ret, path);
	}
}

/* Returns whether the kernel has the module itself, because its release is not older than
 * OBSOLETE_BY. Adds a warning in that case. */
static bool is_obsolete(struct job *job)
{
	const char *since = job->conf->obsolete_by;

	if (job->request.force || is_empty(since) ||
		version_compare(job->kernel->release, since) < 0)
		return false;
	strv_pushf(&job->outcome.warnings,
		"not installed, because kernels contain the module since %s "
		"(OBSOLETE_BY); --force installs it",
		since);
	return true;
}

/* Returns whether f may be installed: it must be newer than every module of that name in
 * the kernel's tree. Otherwise adds a warning. A rebuilt module may replace its own
 * earlier build without this comparison, and so may one that is installed again after a
 * crash, or that is the same. */
static bool may_replace(struct job *job, const struct destinations *previous,
	const struct destination *f)
{
	const struct kernel *k = job->kernel;

	if (job->request.force_version)
		return true;
	for (size_t i = 0; i < k->n_modules; i++) {
		_cleanup_(error_done) struct error err = {0};
		_cleanup_free_ char *path = NULL;
		int r;

		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		if ((f->is_same && streq(path, f->path)) ||
			((job->request.rebuild || k->unfinished) &&
				is_installed_file(previous, path)))
			continue;
		r = examine_should_replace(f->built, path, &err);
		if (r > 0)
			continue;
		if (r == 0)
			strv_pushf(&job->outcome.warnings,
				"%s is not newer than %s and is not installed; "
				"--force installs it",
				f->file, path);
		else
			strv_pushf(&job->outcome.warnings, "%s is not installed: %s",
				f->file, err.what ? err.what : strerror(-r));
		return false;
	}
	return true;
}

/* Removes the temporary files for file in dir that killed processes have left. The caller
 * holds the kernel's lock, so no running process uses them. */
static void remove_old_temporaries(const char *dir, const char *file)
{
	_cleanup_free_ char *staged = xasprintf(".%s" INSTALL_TEMPORARY, file);
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.items[i];
		_cleanup_free_ char *path = path_join(dir, name);

		/* file_copy() puts a dot before the name that it copies to. */
		if (has_prefix(name, staged) ||
			(*name == '.' && has_prefix(name + 1, staged)))
			unlink(path);
	}
}

/* Writes the new file to a temporary name in the directory of f->path. *ret_temporary is
 * its path; the caller frees it. */
static int write_temporary(
	struct job *job, const struct destination *f, char **ret_temporary)
{
	_cleanup_free_ char *dir = path_parent(f->path);
	_cleanup_free_ char *temporary =
		xasprintf("%s/.%s" INSTALL_TEMPORARY, dir, f->file);
	int r = dir_make(dir, &job->outcome.error);

	if (r < 0)
		return r;
	remove_old_temporaries(dir, f->file);
	if (job->shared->settings->symlink_modules)
		r = link_write(temporary, f->built, &job->outcome.error);
	else
		r = file_copy(f->built, temporary, &job->outcome.error);
	if (r == 0)
		*ret_temporary = TAKE_PTR(temporary);
	return r;
}

/* Hides the files of the previous version that the new one does not replace, for example
 * because their compression was another: such a file could be loaded in place of the new
 * one. Renames them to temporary names, which it appends to hidden. */
static int hide_previous_files(struct job *job, struct undo_list *undo,
	const struct destinations *previous, const struct destinations *now,
	struct strv *hidden)
{
	int r = 0;

	for (size_t i = 0; i < previous->n && r == 0; i++) {
		const char *path = previous->items[i].path;
		_cleanup_free_ char *name = NULL, *away = NULL;

		if (!path || is_installed_file(now, path))
			continue;
		r = path_look(path);
		if (r == 0)
			continue;
		name = xasprintf(".%s" INSTALL_TEMPORARY, path_base(path));
		away = path_beside(path, name);
		r = undoable_move(undo, path, away, &job->outcome.error);
		strv_push(&job->outcome.moved, path);
		strv_push(hidden, away);
	}
	return r;
}

/* Removes temporary files, and the directories that are empty then. Returns whether none of the
 * files is left. */
static bool remove_temporaries(const struct job *job, const struct strv *paths)
{
	bool gone = true;

	for (size_t i = 0; i < paths->n; i++) {
		_cleanup_free_ char *dir = path_parent(paths->items[i]);

		gone &= unlink(paths->items[i]) == 0 || errno == ENOENT;
		dir_prune(dir, job->kernel->dir);
	}
	return gone;
}

/* Removes the empty directories that a failed install has made. */
static void remove_empty_dirs(const struct job *job, const struct destinations *now)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *package = path_join(s->trees.dkms, job->name);
	_cleanup_free_ char *originals =
		tree_original_dir(s->trees.dkms, job_on_kernel(job));

	for (size_t i = 0; i < now->n; i++) {
		_cleanup_free_ char *dir = path_parent(now->items[i].path);

		dir_prune(dir, k->dir);
	}
	dir_remove_empty(originals);
	dir_prune(originals, package);
}

/* Moves the new files from their temporary names, if they have one, to their paths, and
 * the files that they replace away. Appends the names of files that are to be removed in the end
 * to to_remove. */
static int put_files(struct job *job, struct undo_list *done,
	const struct destinations *now, const struct destinations *previous, bool first,
	char **temporaries, struct strv *to_remove)
{
	int r = 0;

	for (size_t i = 0; i < now->n && r == 0; i++) {
		_cleanup_(strv_done) struct strv foreign = {0};

		if (!temporaries[i])
			continue;
		find_foreign_modules(job, previous, &now->items[i], &foreign);
		/* After a crash the originals may be where they were. A file in place of a new one
		 * would be replaced for good. */
		if (first || job->kernel->unfinished ||
			!has_module(previous, now->items[i].name) ||
			strv_contains(&foreign, now->items[i].path))
			r = originals_save(job, done, &now->items[i], &foreign, to_remove);
		if (r == 0)
			r = undoable_put(done, temporaries[i], now->items[i].path,
				&job->outcome.error);
		if (r == 0)
			strv_push(&job->outcome.added, now->items[i].path);
	}
	return r;
}

/* Writes the new files to temporary names; an element of temporaries stays NULL if its
 * file is not to be installed. */
static int write_temporaries(struct job *job, const struct destinations *now,
	const struct destinations *previous, char **temporaries)
{
	bool obsolete = is_obsolete(job), accepted = false;
	int r = 0;

	for (size_t i = 0; i < now->n && r == 0; i++) {
		if (obsolete || !may_replace(job, previous, &now->items[i]))
			continue;
		r = write_temporary(job, &now->items[i], &temporaries[i]);
		accepted = true;
	}
	if (r == 0 && now->n && !accepted)
		r = error_set(&job->outcome.error, -EEXIST, 6,
			"none of the modules is installed");
	return r;
}

/* If something cannot be undone or a temporary file stays, the change has not ended: the
 * next run does the rest. */
static int install_files(struct job *job, const struct destinations *now,
	const struct destinations *previous, bool first)
{
	char **temporaries = xcalloc(now->n, sizeof(*temporaries));
	_cleanup_(strv_done) struct strv to_remove = {0};
	_cleanup_(record_change_done) struct record_change record = {0};
	struct undo_list done = {0};
	bool finished = true, recorded = false;
	int r = write_temporaries(job, now, previous, temporaries);

	if (r == 0)
		r = record_begin(job, previous, now, temporaries, &record);
	recorded = r == 0;
	for (size_t i = 0; i < previous->n && r == 0; i++)
		if (!previous->items[i].path)
			r = originals_take_back(job, &done, &previous->items[i], &to_remove);
	if (r == 0)
		r = put_files(job, &done, now, previous, first, temporaries, &to_remove);
	if (r == 0)
		r = hide_previous_files(job, &done, previous, now, &to_remove);
	if (r == 0)
		r = tree_set_installed(job->shared->settings->trees.dkms,
			job_on_kernel(job), true, &job->outcome.error);
	if (r < 0) {
		finished = undo_list_run(&done);
		strv_done(&job->outcome.added);
		strv_done(&job->outcome.saved);
		strv_done(&job->outcome.saved_from);
	}
	if (r == 0)
		record_commit(job, &record);
	else if (recorded && finished)
		record_undo(job, &record);
	for (size_t i = 0; i < now->n; i++)
		if (temporaries[i])
			strv_take(&to_remove, temporaries[i]);
	free(temporaries);
	finished &= remove_temporaries(job, &to_remove);
	if (r < 0)
		remove_empty_dirs(job, now);
	undo_list_done(&done);
	if (finished)
		kernel_end_change(job);
	return r;
}

/* Finds out which files of ours are there: of the version, or, if that is NULL, of an install that
 * was killed. The record may say of a file that it is not ours any more: in the place of a new one, it
 * is kept as any other original, and elsewhere it stays. So it does if dkms may never have put a file
 * there. */
static int list_previous(struct job *job, const char *version, struct destinations *ret)
{
	int r;

	if (!version && !job->kernel->unfinished)
		return 0;
	r = destinations_list_installed(
		job, version ? version : job->version, ret, &job->outcome.error);
	for (size_t i = 0; i < ret->n; i++) {
		struct destination *f = &ret->items[i];

		if (version ? f->foreign : !f->recorded)
			free(TAKE_PTR(f->path));
	}
	return r;
}

/* Modules with names that are the same to the kernel replace each other, foo-a.ko and foo_a.ko, too.
 * Adding and building look at the names in the dkms.conf; this looks at what was built. */
static int check_names(struct job *job, const struct destinations *now)
{
	for (size_t i = 0; i < now->n; i++)
		for (size_t j = 0; j < i; j++)
			if (streq(now->items[i].name, now->items[j].name))
				return error_set(&job->outcome.error, -EEXIST, 6,
					"%s and %s have the same name of a module: %s",
					now->items[j].path, now->items[i].path, now->items[i].name);
	return 0;
}

static int install_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(destinations_done) struct destinations now = {0};
	_cleanup_(destinations_done) struct destinations previous = {0};
	_cleanup_free_ char *version = NULL;
	int r;

	if (!path_is_dir(k->dir))
		return error_set(&job->outcome.error, -ENOENT, 6,
			"there is no kernel directory %s", k->dir);
	r = destinations_list_by_conf(job, &now, &job->outcome.error);
	if (r == 0)
		r = check_names(job, &now);
	if (r == 0)
		r = kernel_find_modules(k, &job->outcome.error);
	if (r < 0)
		return r;
	r = tree_read_installed(
		s->trees.dkms, job_on_kernel(job), &version, &job->outcome.error);
	if (r == 0)
		r = list_previous(job, version, &previous);
	for (size_t i = 0; i < now.n && r == 0; i++)
		r = set_from_killed_install(job, &previous, &now.items[i]);
	if (r == 0)
		r = kernel_begin_change(job);
	if (r < 0)
		return r;
	r = install_files(job, &now, &previous, !version || job->request.reinstall);
	kernel_forget_modules(k);
	if (r < 0)
		return r;
	job->outcome.installed = job->outcome.changed_kernel = true;
	if (version && !streq(version, job->version)) {
		job->outcome.replaced = TAKE_PTR(version);
		job->outcome.replaced_files =
			xcalloc(1, sizeof(*job->outcome.replaced_files));
		*job->outcome.replaced_files = previous;
		previous = (struct destinations){0};
	}
	return 0;
}

void install_free_replaced(struct job *job)
{
	if (job->outcome.replaced_files)
		destinations_done(job->outcome.replaced_files);
	free(TAKE_PTR(job->outcome.replaced_files));
	free(TAKE_PTR(job->outcome.replaced));
}

/* Installs a file of the replaced version again. */
static int restore_file(struct job *job, const struct destination *f)
{
	_cleanup_free_ char *dir = path_parent(f->path);
	int r = dir_make(dir, &job->outcome.error);

	staging_remove_temporaries(f->path);
	if (r == 0)
		r = job->shared->settings->symlink_modules
			    ? link_write(f->path, f->built, &job->outcome.error)
			    : file_copy(f->built, f->path, &job->outcome.error);
	return r;
}

/* Sets the paths of the files of the replaced version to those that they had before somebody
 * compressed or decompressed them. Returns their sources for record_begin(); the caller frees
 * the array only. */
static char **begin_restore(struct destinations *old)
{
	char **sources = xcalloc(old->n, sizeof(*sources));

	for (size_t i = 0; i < old->n; i++) {
		struct destination *f = &old->items[i];
		char *path = f->path ? path_beside(f->path, f->file) : NULL;

		free(f->path);
		f->path = path;
		sources[i] = path ? f->built : NULL;
	}
	return sources;
}

/* Installs the files of the replaced version again and removes those of the job's
 * version. */
static int restore_replaced_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	struct destinations *old = job->outcome.replaced_files;
	_cleanup_free_ char **sources = begin_restore(old);
	_cleanup_(record_change_done) struct record_change record = {0};
	int r = kernel_begin_change(job);

	if (r == 0)
		r = record_begin(job, old, old, sources, &record);
	for (size_t i = 0; i < old->n && r == 0; i++)
		if (old->items[i].path)
			r = restore_file(job, &old->items[i]);
	if (r == 0)
		r = tree_set_installed(s->trees.dkms,
			version_on_kernel(
				job->name, job->outcome.replaced, k->release, k->arch),
			true, &job->outcome.error);
	for (size_t i = 0; i < job->outcome.added.n && r == 0; i++) {
		const char *path = job->outcome.added.items[i];
		_cleanup_free_ char *dir = path_parent(path);

		if (!is_installed_file(old, path)) {
			unlink(path);
			dir_prune(dir, k->dir);
		}
	}
	if (r == 0)
		r = originals_move_back(job);
	if (r == 0)
		record_commit(job, &record);
	if (r == 0)
		kernel_end_change(job);
	return r;
}

int install_restore_replaced(struct job *job)
{
	return kernel_lock_and_call(job, restore_replaced_locked);
}

static int install_work(struct job *job)
{
	return kernel_lock_and_call(job, install_locked);
}

enum transition install_enter(struct job *job)
{
	job->ask.work = install_work;
	return TRANSITION_WORK;
}

/* JOB_POST_INSTALL */

enum transition post_install_enter(struct job *job)
{
	return hook_enter(job, "POST_INSTALL", job->conf->post_install);
}
