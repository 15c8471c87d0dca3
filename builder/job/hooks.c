/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a script of a dkms.conf run (POST_ADD, PRE_INSTALL and so on)? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/job/hooks.h"

char *hook_command_line(struct job *job, const char *directive, const char *script,
	const char *dir, const char *seen_dir)
{
	const struct settings *s = job->shared->settings;
	size_t len = strcspn(script, " \t");
	_cleanup_free_ char *name = xstrndup(script, len);
	_cleanup_free_ char *override =
		xasprintf("%s/%s/%s", s->config_dir, job->name, name);
	_cleanup_free_ char *own = path_join(dir, name);
	_cleanup_free_ char *seen = path_join(seen_dir, name);
	int is_override = path_look_program(override);
	struct str line = {0};

	/* If a script cannot be looked at, running it tells why. A user who is not root
	 * may not be permitted to look for the administrator's script. */
	if (is_override && is_override != -EACCES) {
		str_add_quoted(&line, override);
	} else if (path_look_program(own)) {
		str_add_quoted(&line, seen);
	} else {
		strv_pushf(&job->outcome.warnings, "the %s script %s is %s", directive,
			seen, path_is_file(own) ? "not executable" : "missing");
		return NULL;
	}
	str_add(&line, script + len);
	return str_take(&line);
}

enum transition hook_enter(struct job *job, const char *directive, const char *script)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *version_dir = NULL;
	_cleanup_free_ char *source = NULL;
	_cleanup_free_ char *line = NULL;
	struct conf_request request = job_conf_request(job);

	if (is_empty(script))
		return TRANSITION_NEXT;
	version_dir = tree_version_dir(s->trees.dkms, job->name, job->version);
	source = path_join(version_dir, "source");
	line = hook_command_line(job, directive, script, source, source);
	if (!line)
		return TRANSITION_NEXT;
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){BASH_PROGRAM, "-c", line, NULL});
	strv_push_all(&job->ask.command.env, (const char *const *)environ);
	conf_set_environment(&request, &job->ask.command.env);
	job->ask.command.cwd = TAKE_PTR(source);
	job->ask.command.timeout_s = s->limits.script_timeout_s;
	if (!build_inputs_look_at_source(job->ask.command.cwd, &job->source_before))
		job->source_before.n = 0;
	/* When the job has changed the system, its script still has to run. */
	job->ask.command.runs_when_cancelled =
		job->outcome.changed_kernel || job->outcome.registered;
	return TRANSITION_COMMAND;
}

/* A script may write to the source of its package. That is no reason to build it again. */
static void follow_source(const struct job *job)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *dir = tree_version_dir(tree, job->name, job->version);
	_cleanup_free_ char *source = path_join(dir, "source");
	struct file_stats after;

	if (job->source_before.n && build_inputs_look_at_source(source, &after))
		build_inputs_follow_source(
			tree, job->name, job->version, &job->source_before, &after);
}

enum transition hook_leave(struct job *job, const struct outcome *outcome)
{
	follow_source(job);
	str_add_bytes(&job->outcome.output, outcome->out.data, outcome->out.len);
	str_add_bytes(&job->outcome.output, outcome->err.data, outcome->err.len);
	if (!outcome_ok(outcome)) {
		_cleanup_free_ char *how = outcome_describe(outcome, &job->ask.command);

		strv_pushf(&job->outcome.warnings, "the %s script %s",
			job_state_name(job->state), how);
	}
	return TRANSITION_NEXT;
}
