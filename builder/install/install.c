/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts built modules into a kernel's tree. All new files are written beside their places
 * first; then originals move out, the new files are renamed into place, and the link that
 * says "installed" is set. A failure on the way puts back what was there. Killed on the
 * way, it leaves files that are not linked; the next install knows its own by their bytes
 * (is_ours_already). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "builder/host/version.h"
#include "builder/module/modfile.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"
#include "builder/install/destinations.h"
#include "builder/install/install.h"
#include "builder/install/kernel-lock.h"

/* What has been done, to be undone in reverse order. */
struct change {
	enum { MOVED, SWAPPED, WRITTEN } kind;
	char *from, *to; /* WRITTEN: to is the file, from NULL */
};

struct journal {
	struct change *changes;
	size_t n;
};

static void note(struct journal *j, int kind, const char *from, const char *to)
{
	j->changes = xrealloc_array(j->changes, j->n + 1, sizeof(*j->changes));
	j->changes[j->n++] = (struct change){kind, xstrdup(from), xstrdup(to)};
}

static bool swap(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
}

static int move(struct journal *j, const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *dir = path_parent(to);
	int r = dir_make(dir, err);

	if (r < 0)
		return r;
	if (rename(from, to) < 0) {
		r = -errno;
		/* The kernel's tree and the dkms tree may be on two file systems. */
		if (r == -EXDEV)
			r = file_copy(from, to, err);
		if (r == 0 && unlink(from) < 0)
			r = -errno;
	}
	if (r < 0)
		return error_errno(err, r, 6, "cannot move %s to %s", from, to);
	note(j, MOVED, from, to);
	return 0;
}

/* The same; a file that is at to is kept at from, where the file system can do that. */
static int put_in_place(
	struct journal *j, const char *from, const char *to, struct error *err)
{
	if (!swap(from, to))
		return move(j, from, to, err);
	note(j, SWAPPED, from, to);
	return 0;
}

static void journal_done(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++) {
		free(j->changes[i].from);
		free(j->changes[i].to);
	}
	free(j->changes);
	*j = (struct journal){0};
}

static void undo(struct journal *j)
{
	while (j->n) {
		struct change *c = &j->changes[--j->n];
		struct journal ignored = {0};

		if (c->kind == WRITTEN)
			unlink(c->to);
		else if (c->kind == SWAPPED)
			swap(c->from, c->to);
		else
			move(&ignored, c->to, c->from, NULL);
		journal_done(&ignored);
		free(c->from);
		free(c->to);
	}
}

/* JOB_PRE_INSTALL */

enum phase pre_install_enter(struct job *job)
{
	return hook_enter(job, "PRE_INSTALL", job->conf->pre_install);
}

enum phase pre_install_leave(struct job *job, const struct outcome *outcome)
{
	_cleanup_free_ char *how = NULL;

	if (outcome_ok(outcome) || job->request.force)
		return hook_leave(job, outcome);
	str_add_bytes(&job->outcome.output, outcome->out.data, outcome->out.len);
	str_add_bytes(&job->outcome.output, outcome->err.data, outcome->err.len);
	how = outcome_describe(outcome, &job->ask.command);
	error_set(
		&job->outcome.error, -ECANCELED, 101, "PRE_INSTALL refused: it %s", how);
	error_remedy(&job->outcome.error, "--force installs all the same");
	return PHASE_FAIL;
}

/* JOB_INSTALLING */

static bool is_installed_file(const struct placed *previous, const char *path)
{
	for (size_t i = 0; i < previous->n; i++)
		if (previous->files[i].dest && streq(previous->files[i].dest, path))
			return true;
	return false;
}

/* The file is in its place, put there by an install that did not come to its end: it is
 * what was built, and no version that is installed accounts for it. */
static bool is_ours_already(const struct placed *previous, const struct placed_file *f)
{
	for (size_t i = 0; i < previous->n; i++)
		if (streq(previous->files[i].name, f->name) &&
			file_same_bytes(previous->files[i].built, f->built) != 0)
			return false;
	return file_same_bytes(f->dest, f->built) == 1;
}

/* Modules of that name in the kernel's tree that no version of this package put there,
 * with their full paths. */
static void find_others(const struct job *job, const struct placed *previous,
	const struct placed_file *f, struct strv *ret)
{
	const struct kernel *k = job->kernel;
	bool ours = is_ours_already(previous, f);

	for (size_t i = 0; i < k->n_modules; i++) {
		_cleanup_free_ char *path = NULL;

		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		if (!is_installed_file(previous, path) && !(ours && streq(path, f->dest)))
			strv_push(ret, path);
	}
}

/* OBSOLETE_BY: the kernel brings the module itself from that release on. */
static bool is_obsolete(struct job *job)
{
	const char *since = job->conf->obsolete_by;

	if (job->request.force || is_empty(since) ||
		version_compare(job->kernel->release, since) < 0)
		return false;
	strv_pushf(&job->outcome.warnings,
		"the kernel has had it since %s, and it is not installed; --force installs it",
		since);
	return true;
}

/* The version rule, against every module of that name that the tree has. One that is built
 * anew takes its own place without being asked for its version. */
static bool may_replace(struct job *job, const struct placed *previous,
	const struct placed_file *f)
{
	const struct kernel *k = job->kernel;
	bool ours;

	if (job->request.force_version)
		return true;
	ours = is_ours_already(previous, f);
	for (size_t i = 0; i < k->n_modules; i++) {
		_cleanup_(error_done) struct error err = {0};
		_cleanup_free_ char *path = NULL;
		int r;

		if (!streq(k->modules[i].name, f->name))
			continue;
		path = path_join(k->dir, k->modules[i].path);
		if ((ours && streq(path, f->dest)) ||
			(job->request.rebuild && is_installed_file(previous, path)))
			continue;
		r = modfile_should_replace(f->built, path, &err);
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

/* Archives the original of a module on the first install, and notes where it was. */
static int archive(struct job *job, struct journal *j, const struct placed_file *f,
	const struct strv *others)
{
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *dir =
		tree_original_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *dest_dir = path_parent(f->dest);
	_cleanup_free_ char *extra = path_join(k->dir, "extra");
	_cleanup_free_ char *updates = path_join(k->dir, "updates");
	const char *preferred[] = {extra, updates, dest_dir};
	const char *original = others->n == 1 ? others->items[0] : NULL;
	int r = 0;

	for (size_t p = 0; p < ARRAY_SIZE(preferred) && others->n > 1 && !original; p++) {
		for (size_t i = 0; i < others->n && !original; i++) {
			const char *path = others->items[i];
			size_t len = (size_t)(path_base(path) - path) - 1;

			if (strlen(preferred[p]) == len && has_prefix(path, preferred[p]))
				original = path;
		}
	}
	for (size_t i = 0; i < others->n && r == 0; i++) {
		const char *path = others->items[i];
		bool is_original = original && streq(path, original);
		_cleanup_free_ char *to = xasprintf("%s/%s%s", dir,
			is_original ? "" : "collisions/",
			is_original ? path_base(path) : path + strlen(k->dir) + 1);
		_cleanup_free_ char *origin = xasprintf("%s.origin", to);
		_cleanup_free_ char *origin_dir = path_parent(origin);
		_cleanup_free_ char *line = xasprintf("%s\n", path);

		r = dir_make(origin_dir, &job->outcome.error);
		if (r == 0)
			r = file_write(
				origin, line, strlen(line), 0644, &job->outcome.error);
		if (r < 0)
			break;
		note(j, WRITTEN, NULL, origin);
		r = move(j, path, to, &job->outcome.error);
	}
	return r;
}

/* Removes what a dead process left beside the place of a file. Living ones hold the lock
 * of the kernel's directory. */
static void remove_staged(const char *dir, const char *file)
{
	_cleanup_free_ char *staged = xasprintf(".%s" PLACED_STAGED, file);
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.items[i];
		_cleanup_free_ char *path = path_join(dir, name);

		/* file_copy() puts a dot before the name that it copies to. */
		if (has_prefix(name, staged) || (*name == '.' && has_prefix(name + 1, staged)))
			unlink(path);
	}
}

/* Writes the new file beside its place; *ret_temporary (caller frees) names it. */
static int stage(struct job *job, const struct placed_file *f, char **ret_temporary)
{
	_cleanup_free_ char *dir = path_parent(f->dest);
	_cleanup_free_ char *temporary =
		xasprintf("%s/.%s" PLACED_STAGED, dir, f->file);
	int r = dir_make(dir, &job->outcome.error);

	if (r < 0)
		return r;
	remove_staged(dir, f->file);
	if (job->shared->settings->symlink_modules)
		r = link_write(temporary, f->built, &job->outcome.error);
	else
		r = file_copy(f->built, temporary, &job->outcome.error);
	if (r == 0)
		*ret_temporary = TAKE_PTR(temporary);
	return r;
}

/* An uncompressed module hides a compressed one of another suffix, and the reverse. */
static void remove_leftovers(const struct placed *previous, const struct placed *now)
{
	for (size_t i = 0; i < previous->n; i++)
		if (previous->files[i].dest && !is_installed_file(now, previous->files[i].dest))
			unlink(previous->files[i].dest);
}

/* Takes away the directories that a failed install has made. */
static void prune(const struct job *job, const struct placed *now)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	_cleanup_free_ char *package = path_join(s->trees.dkms, job->name);
	_cleanup_free_ char *originals =
		tree_original_dir(s->trees.dkms, job_on_kernel(job));

	for (size_t i = 0; i < now->n; i++) {
		_cleanup_free_ char *dir = path_parent(now->files[i].dest);

		dir_prune(dir, k->dir);
	}
	dir_remove_empty(originals);
	dir_prune(originals, package);
}

static int install_files(struct job *job, const struct placed *now,
	const struct placed *previous, bool first)
{
	const struct settings *s = job->shared->settings;
	char **temporaries = xcalloc(now->n, sizeof(*temporaries));
	struct journal journal = {0};
	size_t accepted = 0;
	bool obsolete = is_obsolete(job);
	int r = 0;

	for (size_t i = 0; i < now->n && r == 0; i++) {
		if (obsolete || !may_replace(job, previous, &now->files[i]))
			continue;
		r = stage(job, &now->files[i], &temporaries[i]);
		accepted++;
	}
	if (r == 0 && now->n && !accepted)
		r = error_set(&job->outcome.error, -EEXIST, 6,
			"none of the modules is installed");
	for (size_t i = 0; i < now->n && r == 0; i++) {
		_cleanup_(strv_done) struct strv others = {0};

		if (!temporaries[i])
			continue;
		find_others(job, previous, &now->files[i], &others);
		if (first)
			r = archive(job, &journal, &now->files[i], &others);
		if (r == 0)
			r = put_in_place(&journal, temporaries[i], now->files[i].dest,
				&job->outcome.error);
		if (r == 0)
			strv_push(&job->outcome.added, now->files[i].dest);
	}
	if (r == 0)
		r = tree_set_installed(
			s->trees.dkms, job_on_kernel(job), true, &job->outcome.error);
	if (r < 0) {
		undo(&journal);
		strv_done(&job->outcome.added);
	} else {
		remove_leftovers(previous, now);
	}
	for (size_t i = 0; i < now->n; i++) {
		if (temporaries[i])
			unlink(temporaries[i]);
		free(temporaries[i]);
	}
	if (r < 0)
		prune(job, now);
	free(temporaries);
	journal_done(&journal);
	return r;
}

static int install_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(placed_done) struct placed now = {0};
	_cleanup_(placed_done) struct placed previous = {0};
	_cleanup_free_ char *version = NULL;
	int r;

	if (!path_is_dir(k->dir))
		return error_set(&job->outcome.error, -ENOENT, 6,
			"there is no kernel directory %s", k->dir);
	r = placed_by_conf(job, &now, &job->outcome.error);
	if (r == 0)
		r = kernel_find_modules(k, &job->outcome.error);
	if (r < 0)
		return r;
	version = tree_installed_version(s->trees.dkms, job_on_kernel(job));
	if (version)
		placed_by_tree(job, version, &previous);
	r = install_files(job, &now, &previous, !version);
	kernel_forget_modules(k);
	if (r < 0)
		return r;
	job->outcome.installed = job->outcome.changed_kernel = true;
	if (version && !streq(version, job->version)) {
		job->outcome.replaced = TAKE_PTR(version);
		job->outcome.replaced_files =
			xcalloc(1, sizeof(*job->outcome.replaced_files));
		*job->outcome.replaced_files = previous;
		previous = (struct placed){0};
	}
	return 0;
}

void install_forget_replaced(struct job *job)
{
	if (job->outcome.replaced_files)
		placed_done(job->outcome.replaced_files);
	free(TAKE_PTR(job->outcome.replaced_files));
	free(TAKE_PTR(job->outcome.replaced));
}

/* Puts the files of the version that was replaced over those that have replaced them. */
static int bring_back_locked(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;
	const struct placed *old = job->outcome.replaced_files;
	int r = 0;

	for (size_t i = 0; i < old->n && r == 0; i++) {
		const struct placed_file *f = &old->files[i];
		_cleanup_free_ char *dir = f->dest ? path_parent(f->dest) : NULL;

		if (!f->dest)
			continue;
		r = dir_make(dir, &job->outcome.error);
		if (r == 0)
			r = s->symlink_modules
				    ? link_write(f->dest, f->built, &job->outcome.error)
				    : file_copy(f->built, f->dest, &job->outcome.error);
	}
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
	return r;
}

int install_bring_back(struct job *job)
{
	return with_kernel_locked(job, bring_back_locked);
}

static int install_work(struct job *job)
{
	return with_kernel_locked(job, install_locked);
}

enum phase install_enter(struct job *job)
{
	job->ask.work = install_work;
	return PHASE_WORK;
}

/* JOB_POST_INSTALL */

enum phase post_install_enter(struct job *job)
{
	return hook_enter(job, "POST_INSTALL", job->conf->post_install);
}
