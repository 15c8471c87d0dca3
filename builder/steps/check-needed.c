/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_LOOKING: is the version in the tree, and is there anything to do? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/force-list.h"
#include "builder/host/skip-list.h"
#include "builder/tree/file-check.h"
#include "builder/tree/tree.h"
#include "builder/steps/check-needed.h"

static int check_added_state(const struct settings *s, enum tree_state state,
	const char *name, const char *version, struct error *err)
{
	if (state == STATE_UNKNOWN || state == STATE_LEFTOVER) {
		_cleanup_free_ char *source =
			xasprintf("%s/%s-%s", s->trees.source, name, version);

		error_set(err, -ENOENT, 3, "%s/%s is not in the tree %s", name, version,
			s->trees.dkms);
		if (path_is_dir(source))
			error_remedy(err, "dkms add %s/%s", name, version);
		else
			error_remedy(err, "dkms status lists what is there");
		return -ENOENT;
	}
	if (state == STATE_BROKEN) {
		error_set(err, -ENOENT, 4,
			"%s/%s is broken, its source is missing: %s/%s/%s/source", name,
			version, s->trees.dkms, name, version);
		error_remedy(err,
			"restore the source, then: dkms add %s/%s; or: dkms remove %s/%s --force",
			name, version, name, version);
		return -ENOENT;
	}
	return 0;
}

int check_added(const struct settings *s, const char *name, const char *version,
	struct error *err)
{
	enum tree_state state;
	int r = tree_read_state(s->trees.dkms, s->trees.source,
		version_on_kernel(name, version, NULL, NULL), &state, err);

	return r < 0 ? r : check_added_state(s, state, name, version, err);
}

/* With --force, a broken version can be removed: only building needs the source. */
static int read_broken_state(struct job *job)
{
	const struct settings *s = job->shared->settings;

	if (job->outcome.state_before != STATE_BROKEN || !job_removes(job) ||
		!s->switches.force)
		return 0;
	return tree_read_built(s->trees.dkms, job_on_kernel(job),
		       &job->outcome.state_before, &job->outcome.error) < 0
		       ? -EIO
		       : 1;
}

/* Sets job->request.force and force_version from the options and the force list. */
static int set_force(struct job *job)
{
	const struct settings *s = job->shared->settings;
	enum force_level level = FORCE_LEVEL_NONE;
	int r = 0;

	if (job->kind == JOB_INSTALL)
		r = force_list_find(
			s->force_list_dir, job->name, &level, &job->outcome.error);
	/* An RPM upgrade first installs the new version, then removes the old one. It
	 * must not refuse the first, or no module would be left. */
	job->request.force = s->switches.force || s->switches.rpm_safe_upgrade ||
			     level == FORCE_LEVEL_ALL;
	job->request.force_version = job->request.force ||
				     s->switches.force_version_override ||
				     level == FORCE_LEVEL_VERSION;
	return r;
}

/* Returns whether an uninstall has removed the version but not the saved originals, or
 * whether that cannot be known. */
static bool has_unfinished_uninstall(const struct job *job)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *originals = tree_original_dir(tree, job_on_kernel(job));
	_cleanup_free_ char *version = NULL;

	return path_look(originals) != 0 &&
	       tree_read_installed(tree, job_on_kernel(job), &version, NULL) == 0 &&
	       !version;
}

/* Sets job->outcome.skipped if dkms skip keeps the version off the kernel. What is installed
 * there stays, and so may be built or installed again. Lists of the distribution that force a
 * module do not count: this is the administrator's word. */
static int check_skipped(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct skip_record *record;
	struct skip_list list;
	int r;

	if (job->kind != JOB_INSTALL || s->switches.force ||
		job->outcome.state_before >= STATE_INSTALLED_WEAK)
		return 0;
	r = skip_list_read(s, &list, &job->outcome.error);
	record = skip_list_find(&list, job->name, job->version, job->kernel->release);
	if (record) {
		_cleanup_free_ char *words = skip_record_words(record);

		job->outcome.skipped = xasprintf("dkms skip keeps it off this kernel; "
						 "--force installs it, dkms unskip %s lets it in",
			words);
	}
	skip_list_done(&list);
	return r;
}

enum transition check_needed_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	int r = set_force(job);

	if (r == 0)
		r = tree_read_state(s->trees.dkms, s->trees.source, job_on_kernel(job),
			&job->outcome.state_before, &job->outcome.error);
	if (r == 0)
		r = read_broken_state(job);
	if (r == 0)
		r = check_added_state(s, job->outcome.state_before, job->name, job->version,
			&job->outcome.error);
	if (r == 0)
		r = check_skipped(job);
	if (r < 0)
		return TRANSITION_FAIL;
	if (job->outcome.skipped) {
		job->outcome.result = RESULT_EXCLUDED;
		return TRANSITION_STOP;
	}
	if (job->kind == JOB_BUILD && job->outcome.state_before >= STATE_BUILT &&
		job->outcome.state_before != STATE_INSTALLED_WEAK &&
		file_check_is_missing(s, job_on_kernel(job)))
		job->request.rebuild = true;
	if (job->request.rebuild)
		return TRANSITION_NEXT;
	if (job->kind == JOB_BUILD && job->outcome.state_before >= STATE_BUILT &&
		!s->switches.force)
		job->outcome.result = RESULT_NOTHING;
	if (job->kind == JOB_INSTALL &&
		job->outcome.state_before >= STATE_INSTALLED_WEAK && !s->switches.force &&
		!job->request.reinstall && !job->kernel->unfinished)
		job->outcome.result = RESULT_NOTHING;
	if (job->kind == JOB_UNINSTALL &&
		job->outcome.state_before < STATE_INSTALLED_WEAK &&
		!job->kernel->unfinished && !has_unfinished_uninstall(job))
		job->outcome.result = RESULT_NOTHING;
	if ((job->kind == JOB_UNBUILD || job->kind == JOB_SIGN) &&
		job->outcome.state_before < STATE_BUILT)
		job->outcome.result = RESULT_NOTHING;
	return TRANSITION_NEXT;
}
