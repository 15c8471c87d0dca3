/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the dkms tree get to know a version, and how is it removed from there?
 * (JOB_ADD and JOB_FORGET) */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "base/dir-copy.h"
#include "base/file.h"
#include "base/staging.h"
#include "builder/tree/built-kernels.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/tree/upgrade-mark.h"
#include "builder/job/hooks.h"
#include "builder/add/claim.h"
#include "builder/add/differences.h"
#include "builder/add/load.h"
#include "builder/add/register.h"

/* Copies the directory job->add->from to source, unless it is that directory: first to a
 * temporary directory, from where it is renamed. A directory that is at source already is
 * renamed to the temporary directory and removed. */
static int copy_source(struct job *job, const char *source)
{
	const char *source_tree = job->shared->settings->trees.source;
	_cleanup_free_ char *from = realpath(job->add->from, NULL);
	_cleanup_free_ char *to = realpath(source, NULL);
	_cleanup_free_ char *stage = NULL;
	_cleanup_free_ char *copy = NULL;
	_cleanup_free_ char *old = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	if (from && to && streq(from, to))
		return 0;
	r = claim_check(job, source);
	if (r < 0)
		return r;
	r = dir_make(source_tree, &job->outcome.error);
	if (r < 0)
		return r;
	r = staging_make(
		source_tree, SOURCE_STAGE "add-", &stage, &lock, &job->outcome.error);
	if (r < 0)
		return r;
	copy = path_join(stage, "new");
	old = path_join(stage, "old");
	r = dir_copy_guarded(job->add->from, copy, (uid_t)-1, (gid_t)-1, NULL,
		&job->outcome.error);
	if (r == 0) {
		r = dir_sync_all(copy);
		if (r < 0)
			error_errno(&job->outcome.error, r, 1, "cannot write %s", copy);
	}
	if (r == 0 && to && rename(source, old) < 0)
		r = error_errno(
			&job->outcome.error, -errno, 1, "cannot replace %s", source);
	if (r == 0 && rename(copy, source) < 0) {
		r = error_errno(&job->outcome.error, -errno, 1, "cannot make %s", source);
		if (to)
			rename(old, source);
	}
	/* After a crash, no version may be in the tree without its source. */
	if (r == 0) {
		r = dir_sync(source_tree);
		if (r < 0)
			error_errno(&job->outcome.error, r, 1, "cannot write %s", source_tree);
	}
	if (dir_remove(stage, NULL) < 0)
		leftovers_expect(job->shared->settings->trees.dkms);
	return r;
}

/* Marks the version with --rpm_safe_upgrade, even if it is added already: the removal of
 * the old package, which ends an RPM upgrade, then keeps it. */
static void set_upgrade_mark(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};

	if (s->switches.rpm_safe_upgrade &&
		upgrade_mark_set(s->trees.dkms, job->name, job->version, &err) < 0)
		strv_pushf(&job->outcome.warnings, "--rpm_safe_upgrade: %s", err.what);
}

/* Adds a warning if the dkms.conf has another name or version. As in other versions of
 * dkms, those by which the version was added are used. */
static void warn_about_names(struct job *job)
{
	const struct conf *c = job->conf;

	if (!streq(c->package_name, job->name) ||
		!streq(c->package_version, job->version))
		strv_pushf(&job->outcome.warnings, "%s calls it %s/%s", job->conf_path,
			c->package_name, c->package_version);
}

/* Whether the job runs POST_ADD after it has added the version. */
static bool has_post_add(const struct job *job)
{
	return !job->add->load && !is_empty(job->conf->post_add);
}

/* Returns what is locked while POST_ADD runs; the caller frees. */
static char *post_add_lock(const struct job *job)
{
	_cleanup_free_ char *dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);

	return path_join(dir, "post-add");
}

/* The version is added, and POST_ADD has not run to its end. The job runs it, unless
 * another process does, which may be the one that has started this one. */
static int resume_work(struct job *job)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *what = post_add_lock(job);
	int r = lock_try(tree, what, &job->add->lock, &job->outcome.error);

	if (r < 0 && r != -EAGAIN)
		return r;
	set_upgrade_mark(job);
	job->outcome.registered =
		r == 0 && tree_has_add_mark(tree, job->name, job->version);
	if (job->outcome.registered)
		return 0;
	lock_release(&job->add->lock);
	if (!job->add->allow_existing)
		return error_set(&job->outcome.error, -EEXIST, 3,
			"%s/%s is already added", job->name, job->version);
	job->outcome.result = RESULT_NOTHING;
	return 0;
}

static int register_work(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(lock_release) struct lock lock = {0};
	_cleanup_free_ char *source = NULL, *post_add = post_add_lock(job);
	enum tree_add_flags flags = has_post_add(job) ? TREE_ADD_MARK : 0;
	int r = job->add->from ? job_try_lock(job, s->trees.source, &lock) : 0;

	if (r == 0 && has_post_add(job))
		r = job_try_lock(job, post_add, &job->add->lock);
	if (r < 0)
		return r;
	source = xasprintf("%s/%s-%s", s->trees.source, job->name, job->version);
	/* Under the lock, because another process may put the source back. */
	if (job->add->from && tree_version_state(s->trees.dkms, s->trees.source, job->name,
				      job->version) == STATE_BROKEN)
		flags |= TREE_ADD_REPAIR;
	r = job->add->from ? copy_source(job, source) : 0;
	/* As in other versions of dkms, the source stays if the dkms.conf has a duplicate
	 * module, so this is checked after the source is in place. */
	if (r == 0)
		r = conf_check_duplicates(job->conf, job->conf_path, &job->outcome.error);
	if (r == 0)
		r = tree_add(s->trees.dkms, job->name, job->version, source, flags,
			&job->outcome.error);
	/* Another process has added the version since register_enter() checked. */
	if (r == -EEXIST && job->add->allow_existing) {
		error_done(&job->outcome.error);
		job->outcome.result = RESULT_NOTHING;
		r = 0;
	}
	job->outcome.registered = r == 0 && job->outcome.result != RESULT_NOTHING;
	if (r == 0)
		set_upgrade_mark(job);
	if (r == 0 && job->outcome.result != RESULT_NOTHING)
		warn_about_names(job);
	return r;
}

/* The number of files that an error names. */
#define FILES_NAMED 5

/* Sets the error for a directory that differs in these files from the copy that modules are
 * built of. */
static int fail_differs(struct job *job, const char *copy, const struct strv *files)
{
	_cleanup_(strv_done) struct strv named = {0};
	_cleanup_free_ char *text = NULL, *more = NULL;

	for (size_t i = 0; i < files->n && i < FILES_NAMED; i++)
		strv_push(&named, files->items[i]);
	text = strv_join(&named, ", ");
	text_mask_controls(text);
	more = files->n > named.n ? xasprintf(" and %zu more", files->n - named.n)
				  : xstrdup("");
	error_set(&job->outcome.error, -EEXIST, 3,
		"%s/%s is built from %s, which differs from %s: %s%s", job->name,
		job->version, copy, job->add->from, text, more);
	error_remedy(&job->outcome.error,
		"--force copies the directory and builds it again; or give it another "
		"PACKAGE_VERSION");
	return -EEXIST;
}

/* A version that is added already is given by its directory: copies the directory again if
 * it differs from the source. What is built from that is replaced only with --force. */
static int refresh_work(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, job->name, job->version);
	_cleanup_free_ char *link = path_join(dir, "source"), *source = NULL;
	_cleanup_free_ char *from = realpath(job->add->from, NULL);
	_cleanup_free_ char *copy = realpath(link, NULL);
	_cleanup_(strv_done) struct strv files = {0};
	_cleanup_(lock_release) struct lock lock = {0};
	struct kernel_names built = {0};
	int r = job_try_lock(job, s->trees.source, &lock);

	if (r < 0)
		return r;
	if (from && copy && !streq(from, copy))
		r = differences_list(job->add->from, copy, is_empty(job->conf->post_add), &files,
			&job->outcome.error);
	if (r == 0 && !files.n && has_post_add(job) &&
		tree_has_add_mark(s->trees.dkms, job->name, job->version))
		return resume_work(job);
	if (r < 0 || !files.n) {
		job->outcome.result = r < 0 ? RESULT_NONE : RESULT_NOTHING;
		return r;
	}
	r = built_kernels_list(AT_FDCWD, dir, &built);
	if (r < 0)
		error_errno(&job->outcome.error, r, 1, "cannot read %s", dir);
	else if (built.n && !s->switches.force)
		r = fail_differs(job, copy, &files);
	kernel_names_done(&built);
	source = xasprintf("%s/%s-%s", s->trees.source, job->name, job->version);
	if (r == 0)
		r = conf_check_duplicates(job->conf, job->conf_path, &job->outcome.error);
	if (r == 0)
		r = copy_source(job, source);
	if (r == 0)
		r = link_write(link, source, &job->outcome.error);
	job->add->refreshed = job->outcome.registered = r == 0;
	return r;
}

enum transition register_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	enum tree_state state;

	if (!job->name) {
		job->name = xstrdup(job->conf->package_name);
		job->version = xstrdup(job->conf->package_version);
	}
	if (tree_check_new_module(job->name, job->version, &job->outcome.error) < 0)
		return TRANSITION_FAIL;
	/* Also where the version is added already, by a process that was killed then. */
	if (job->add->from)
		staging_remove_leftovers(s->trees.source, SOURCE_STAGE);
	state = tree_version_state(
		s->trees.dkms, s->trees.source, job->name, job->version);
	if (job->add->load) {
		job->ask.work = load_register_work;
		return load_check_state(job, state) < 0 ? TRANSITION_FAIL
							: TRANSITION_WORK;
	}
	if (state >= STATE_ADDED && job->add->allow_existing && job->add->from) {
		job->ask.work = refresh_work;
		return TRANSITION_WORK;
	}
	if (state >= STATE_ADDED && has_post_add(job) &&
		tree_has_add_mark(s->trees.dkms, job->name, job->version)) {
		job->ask.work = resume_work;
		return TRANSITION_WORK;
	}
	if (state >= STATE_ADDED && job->add->allow_existing) {
		job->outcome.result = RESULT_NOTHING;
		return TRANSITION_STOP;
	}
	if (state >= STATE_ADDED) {
		set_upgrade_mark(job);
		error_set(&job->outcome.error, -EEXIST, 3, "%s/%s is already added",
			job->name, job->version);
		return TRANSITION_FAIL;
	}
	job->ask.work = register_work;
	return TRANSITION_WORK;
}

/* An archive may come from anywhere, and POST_ADD runs outside of the sandbox, before
 * anybody has said that its modules are to be installed. */
static bool is_post_add_allowed(struct job *job)
{
	if (!job->add->archive || job->shared->settings->switches.allow_post_add)
		return true;
	strv_pushf(&job->outcome.warnings,
		"POST_ADD was not run, because it came in an archive; to run it: dkms add "
		"--force --allow-post-add %s",
		job->add->archive);
	return false;
}

/* POST_ADD has run, or there is none that can be run. */
static void end_post_add(struct job *job)
{
	_cleanup_(error_done) struct error err = {0};

	if (job->add->lock.path && tree_remove_add_mark(job->shared->settings->trees.dkms,
					   job->name, job->version, &err) < 0)
		strv_push(&job->outcome.warnings, err.what);
	lock_release(&job->add->lock);
}

enum transition post_add_enter(struct job *job)
{
	enum transition transition = TRANSITION_NEXT;

	if (!load_is_sourceless(job) && !is_empty(job->conf->post_add) &&
		is_post_add_allowed(job))
		transition = hook_enter(job, "POST_ADD", job->conf->post_add);
	if (transition == TRANSITION_NEXT)
		end_post_add(job);
	return transition;
}

enum transition post_add_leave(struct job *job, const struct outcome *outcome)
{
	end_post_add(job);
	return hook_leave(job, outcome);
}

static int forget_work(struct job *job)
{
	return tree_forget(job->shared->settings->trees.dkms, job->name, job->version,
		&job->outcome.error);
}

enum transition forget_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, job->name, job->version);
	struct kernel_names built = {0};
	bool is_built;
	int r = built_kernels_list(AT_FDCWD, dir, &built);

	is_built = built.n;
	kernel_names_done(&built);
	if (r < 0) {
		error_errno(&job->outcome.error, r, 1, "cannot read %s", dir);
		return TRANSITION_FAIL;
	}
	if (is_built) {
		job->outcome.result = RESULT_NOTHING;
		return TRANSITION_STOP;
	}
	job->ask.work = forget_work;
	return TRANSITION_WORK;
}
