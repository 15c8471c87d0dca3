/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_EVALUATING: bash evaluates the dkms.conf, in a sandbox. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/keypair.h"
#include "builder/tree/tree.h"
#include "builder/steps/read-conf.h"

#define CONF_SECONDS 10 /* the time limit for the evaluation of a dkms.conf (s) */

/* Returns the dkms.conf path of a version that is being added; the caller frees. */
static char *added_conf_path(const struct job *job)
{
	if (job->add->from)
		return path_join(job->add->from, "dkms.conf");
	return xasprintf("%s/%s-%s/dkms.conf", job->shared->settings->trees.source,
		job->name, job->version);
}

/* Sets the error for a version that cannot be added because its dkms.conf is missing. */
static enum transition fail_without_conf(struct job *job)
{
	_cleanup_free_ char *dir =
		xstrndup(job->conf_path, strlen(job->conf_path) - strlen("/dkms.conf"));

	if (!path_is_dir(dir))
		error_set(&job->outcome.error, -ENOENT, 2,
			"there is no source directory %s", dir);
	else
		error_set(&job->outcome.error, -ENOENT, 4, "there is no dkms.conf in %s",
			dir);
	return TRANSITION_FAIL;
}

/* Returns false and sets an error if dkms, not run by root, may not enter the source
 * directory. */
static bool check_source_access(struct job *job)
{
	_cleanup_free_ char *dir = path_parent(job->conf_path);

	if (!path_is_dir(dir) || access(dir, X_OK) == 0 || errno != EACCES)
		return true;
	error_errno(&job->outcome.error, -EACCES, 15, "cannot enter %s", dir);
	return false;
}

enum transition evaluate_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct conf_request request;
	struct sandbox box = {
		.kind = job->shared->sandbox, .install_tree = s->trees.install};
	_cleanup_free_ char *dir = NULL;

	if (job->conf)
		return TRANSITION_NEXT;
	if (!job->conf_path && job->kind == JOB_ADD) {
		job->conf_path = added_conf_path(job);
		if (!path_is_file(job->conf_path))
			return fail_without_conf(job);
	} else if (!job->conf_path) {
		dir = tree_version_dir(s->trees.dkms, job->name, job->version);
		job->conf_path = path_join(dir, "source/dkms.conf");
	}
	if (!check_source_access(job))
		return TRANSITION_FAIL;
	/* A version can be removed even if its dkms.conf is missing. */
	if (job_removes(job) && path_look(job->conf_path) == 0)
		return TRANSITION_NEXT;
	request = job_conf_request(job);
	conf_fill_command(&request, &job->ask.command);
	job->ask.command.timeout_s = CONF_SECONDS;
	conf_list_files(&request, &box.readable_paths);
	strv_push(&box.readable_paths, s->trees.dkms);
	strv_push(&box.readable_paths, job->kernel->headers);
	keypair_list_secrets(s, job->kernel->release, &box.secret_files);
	if (box.kind == SANDBOX_KIND_UNTRUSTED &&
		!sandbox_user_can_reach(&box.readable_paths))
		box.kind = SANDBOX_KIND_USERNS;
	sandbox_wrap_command(&job->ask.command, &box);
	strv_done(&box.readable_paths);
	strv_done(&box.secret_files);
	return TRANSITION_COMMAND;
}

/* Adds each line that the evaluation has written to standard error as a warning. */
static void add_stderr_warnings(struct job *job, const struct str *text)
{
	for (const char *line = text->data; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (len) {
			char *copy = xstrndup(line, len);

			text_mask_controls(copy);
			strv_take(&job->outcome.warnings, copy);
		}
		line += len;
		line += *line == '\n';
	}
}

enum transition evaluate_leave(struct job *job, const struct outcome *outcome)
{
	struct conf_request request = job_conf_request(job);
	struct error *err = &job->outcome.error;
	struct error ignored = {0};
	int r;

	if (outcome->cancelled)
		return TRANSITION_FAIL;
	if (job_removes(job) && outcome->error == 0)
		err = &ignored; /* a version can be removed even if its dkms.conf is bad
				 */
	r = conf_parse(&request, &job->ask.command, outcome, &job->conf, err);
	if (r == 0)
		add_stderr_warnings(job, &outcome->err);
	if (r == 0 && (job_builds(job) || job->kind == JOB_ADD))
		strv_extend(&job->outcome.warnings, &job->conf->warnings);
	if (r == 0 && job_builds(job))
		r = conf_check_duplicates(job->conf, job->conf_path, err);
	error_done(&ignored);
	return r < 0 && err == &job->outcome.error ? TRANSITION_FAIL : TRANSITION_NEXT;
}
