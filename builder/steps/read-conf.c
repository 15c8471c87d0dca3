/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_READING_POLICY and JOB_EVALUATING: bash evaluates the administrator's files for the
 * package alone, and then the dkms.conf with them, each in a sandbox. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"
#include "builder/run/hand-over.h"
#include "builder/run/memory-group.h"
#include "builder/host/header-trees.h"
#include "builder/host/keypair.h"
#include "builder/tree/tree.h"
#include "builder/steps/conf-copy.h"
#include "builder/steps/plain-conf.h"
#include "builder/steps/read-conf.h"

/* The lines that a dkms.conf writes to standard error and that are shown, and the bytes of
 * each. */
#define STDERR_LINES_MAX 16
#define STDERR_LINE_MAX 1000
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

/* Opens a configuration file that root may hand over: one of the administrator's, or one
 * in its own directory, since a link in a source must not make root hand over what is
 * elsewhere. Its owner may replace the file and the directory at any time, so what counts
 * is where the kernel says that the open file and directory are. Returns a descriptor, or
 * -EACCES for another file. */
static int open_to_hand_over(const struct job *job, const char *path)
{
	_cleanup_free_ char *parent = path_parent(path), *dir = NULL, *real = NULL;
	_cleanup_close_ int dir_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct read_guard guard;
	struct stat st, dir_st;
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);

	if (dir_fd < 0 || fd < 0 || fstat(dir_fd, &dir_st) < 0 ||
		link_read(fd_path(fd).path, &real) < 0 ||
		link_read(fd_path(dir_fd).path, &dir) < 0)
		return -EACCES;
	if (path_is_in(path, job->shared->settings->config_dir))
		return take_fd(&fd);
	/* Another name of a file of somebody else is no file of the source. */
	if (!path_is_below(real, dir) || (st.st_nlink > 1 && st.st_uid != dir_st.st_uid))
		return -EACCES;
	return take_fd(&fd);
}

/* Shows a configuration file and what is in the directory beside it. A file that other
 * users may not read is handed over as text. */
static int show_conf(struct job *job, const char *path, struct sandbox *box)
{
	_cleanup_free_ char *dir = path_parent(path), *real = realpath(path, NULL);
	int r = real ? 0 : -errno;
	_cleanup_free_ char *real_dir = NULL;
	_cleanup_close_ int fd = -1;
	bool is_open;

	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0; /* conf_parse() says that it is missing */
	if (r == 0) {
		real_dir = realpath(dir, NULL);
		r = real_dir ? 0 : -errno;
	}
	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot look at %s", path);
	is_open = sandbox_user_can_read(box, dir);
	if (!job_own_users(job) || (is_open && sandbox_user_can_read(box, path))) {
		strv_push(&box->readable_paths, dir);
		strv_push(&box->readable_paths, path);
		return 0;
	}
	fd = box->kind == SANDBOX_KIND_NONE ? -EACCES : open_to_hand_over(job, path);
	if (fd < 0) {
		error_set(&job->outcome.error, -EACCES, 1,
			"%s can be read only by its owner, and is not evaluated as root",
			path);
		error_remedy(&job->outcome.error, "chmod go+r %s", path);
		return -EACCES;
	}
	strv_push(is_open ? &box->readable_paths : &box->hidden_dirs,
		is_open ? dir : real_dir);
	return sandbox_hand_over_fd(box, path, fd, &job->outcome.error);
}

/* Shows what builds see of /sys, and what is beside it. Only root can read the serial numbers
 * there, which an evaluation as root does not see. */
static void show_sysfs(struct sandbox *box)
{
	strv_push(&box->readable_paths, "/sys/devices/system/cpu");
	if (box->uid || geteuid() != 0)
		strv_push(&box->readable_paths, "/sys/class/dmi/id");
}

/* Without root's bubblewrap, what its user cannot reach cannot be shown, and would keep
 * the evaluation from running. A build that needs it says so. */
static void leave_unreachable_out(struct sandbox *box)
{
	struct strv reachable = {0};

	if (!box->uid || box->kind != SANDBOX_KIND_USERNS)
		return;
	for (size_t i = 0; i < box->readable_paths.n; i++)
		if (sandbox_user_can_read(box, box->readable_paths.items[i]))
			strv_push(&reachable, box->readable_paths.items[i]);
	strv_done(&box->readable_paths);
	box->readable_paths = reachable;
}

/* Fills box with what the evaluation sees: the configuration files, what is beside them,
 * and what a build sees of the kernel and of the system. */
static int fill_sandbox(
	struct job *job, const struct conf_request *request, struct sandbox *box)
{
	const struct settings *s = job->shared->settings;
	struct kernel *k = job->kernel;
	_cleanup_(strv_done) struct strv files = {0};
	int r = 0;

	box->kind = job_sandbox(job);
	box->uid = job->ask.user.uid;
	box->max_processes = s->limits.max_processes;
	box->memory_group = job->ask.user.memory_group;
	box->unfiltered = job_is_unfiltered(job);
	box->strict = true;
	job_list_sandbox_paths(job, &box->readable_paths);
	conf_list_files(request, &files);
	for (size_t i = 0; i < files.n && r == 0; i++)
		r = show_conf(job, files.items[i], box);
	strv_push(&box->readable_paths, k->headers);
	header_trees_list(k, &box->readable_paths);
	if (k->config_path)
		strv_push(&box->readable_paths, k->config_path);
	for (size_t i = 0; i < ARRAY_SIZE(sandbox_visible_boot); i++)
		strv_pushf(&box->readable_paths, "%s%s", sandbox_visible_boot[i],
			k->release);
	strv_push(&box->readable_paths, k->dir);
	show_sysfs(box);
	/* A source of which the evaluation sees no more than the dkms.conf is in there. */
	if (box->uid && !box->data_files.n)
		strv_push(&box->readable_paths, s->trees.source);
	leave_unreachable_out(box);
	return r;
}

/* Confines the job's command, which evaluates the files of the request. */
static int confine_command(struct job *job, const struct conf_request *request)
{
	const struct settings *s = job->shared->settings;
	struct command *cmd = &job->ask.command;
	struct sandbox box = {0};
	int r = job_take_user(job, &job->ask.user);

	if (r == 0)
		r = fill_sandbox(job, request, &box);
	job->ask.user.outside = box.kind == SANDBOX_KIND_NONE;
	if (r == 0) {
		cmd->timeout_s = CONF_SECONDS;
		keypair_list_secrets(s, job->kernel->release, &box.secret_files);
		if (request->path)
			job->conf_writes = job->conf_writes ||
					   conf_copy_is_expected(request->path);
		if (request->path && job->conf_writes)
			conf_copy_show(request->path, cmd, &box);
		r = sandbox_wrap_command(cmd, &box, &job->outcome.error);
	}
	if (r < 0)
		user_give(&job->ask.user);
	sandbox_done(&box);
	return r;
}

/* Makes the command that evaluates the dkms.conf and the override files. */
static int fill_command(struct job *job)
{
	const struct conf_request request = job_conf_request(job);

	conf_fill_command(&request, &job->ask.command);
	return confine_command(job, &request);
}

/* JOB_READING_POLICY */

enum transition policy_enter(struct job *job)
{
	struct conf_request request = job_conf_request(job);
	struct command *cmd = &job->ask.command;
	int r = 0;

	request.path = NULL;
	job->policy.unread = !job->name;
	if (!job->policy.own_known)
		r = policy_fill_command(&request, &job->policy, cmd);
	if (r == 0) {
		job->policy.own_known = true;
		if (!job->policy.known)
			r = policy_fill_command(&request, &job->policy, cmd);
	}
	if (r == 0) {
		job->policy.known = true;
		return TRANSITION_NEXT;
	}
	if (confine_command(job, &request) == 0)
		return TRANSITION_COMMAND;
	if (job_needs_conf(job))
		return TRANSITION_FAIL;
	job->policy.unread = true;
	error_done(&job->outcome.error);
	return TRANSITION_NEXT;
}

enum transition policy_leave(struct job *job, const struct outcome *outcome)
{
	_cleanup_(policy_done) struct policy found = {0};
	_cleanup_(error_done) struct error err = {0};
	const struct conf_request request = job_conf_request(job);

	user_give(&job->ask.user);
	if (policy_parse(&job->ask.command, outcome, &found, &err) == 0) {
		if (!job->policy.own_known) {
			job->policy = found;
			found = (struct policy){0};
			job->policy.own_known = true;
			return TRANSITION_AGAIN;
		}
		policy_add(&job->policy, &found, &request, &job->outcome.warnings);
		job->policy.known = true;
		return TRANSITION_NEXT;
	}
	if (!job_needs_conf(job) && !outcome->cancelled) {
		job->policy.unread = true;
		strv_push(&job->outcome.warnings, err.what);
		return TRANSITION_NEXT; /* a version can be removed all the same */
	}
	error_move(&job->outcome.error, &err);
	return TRANSITION_FAIL;
}

/* JOB_EVALUATING */

/* Returns whether the package must have a sandbox, and there is none. */
static bool lacks_sandbox(const struct job *job)
{
	return job->policy.sandbox.mode_set &&
	       job->policy.sandbox.mode == SANDBOX_REQUIRE &&
	       job_sandbox(job) == SANDBOX_KIND_NONE;
}

/* Leaves a dkms.conf alone that must have a sandbox. A version can be removed without it. */
static enum transition refuse_without_sandbox(struct job *job)
{
	const char *dir = job->shared->settings->config_dir;

	if (!job_removes(job)) {
		error_set(&job->outcome.error, -EPERM, 1,
			"there is no sandbox, and sandbox=require in %s asks for one for this "
			"package",
			dir);
		return TRANSITION_FAIL;
	}
	strv_pushf(&job->outcome.warnings,
		"its dkms.conf is not evaluated, and a POST_REMOVE does not run: there is no "
		"sandbox, and sandbox=require in %s asks for one",
		dir);
	return TRANSITION_NEXT;
}

/* Takes over what the job's dkms.conf says, or the negative errno r and err. */
static enum transition take_conf(struct job *job, int r, struct error *err)
{
	/* A version can be removed even if its dkms.conf is bad. */
	bool is_needed = job_needs_conf(job);

	if (r >= 0 && (job_builds(job) || job->kind == JOB_ADD))
		strv_extend(&job->outcome.warnings, &job->conf->warnings);
	if (r >= 0 && job_builds(job))
		r = conf_check_duplicates(job->conf, job->conf_path, err);
	if (r < 0 && is_needed)
		error_move(&job->outcome.error, err);
	else
		error_done(err);
	return r < 0 && is_needed ? TRANSITION_FAIL : TRANSITION_NEXT;
}

/* Reads the dkms.conf without bash if that is possible, otherwise starts bash. */
static enum transition begin_evaluation(struct job *job)
{
	const struct conf_request request = job_conf_request(job);
	struct error err = {0};
	int r = plain_conf_read(job, &request, &err);

	if (r != 0)
		return take_conf(job, r, &err);
	if (fill_command(job) == 0)
		return TRANSITION_COMMAND;
	if (job_needs_conf(job))
		return TRANSITION_FAIL;
	error_done(&job->outcome.error);
	return TRANSITION_NEXT;
}

/* Checks the dkms.conf that another job has evaluated for this one, which may not build. */
static enum transition check_given(struct job *job)
{
	return job_builds(job) && conf_check_duplicates(job->conf, job->conf_path,
					  &job->outcome.error) < 0
		       ? TRANSITION_FAIL
		       : TRANSITION_NEXT;
}

enum transition evaluate_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *dir = NULL;

	if (job->conf)
		return check_given(job);
	if (job->name && job_needs_conf(job) &&
		tree_check_not_reserved(job->name, &job->outcome.error) < 0)
		return TRANSITION_FAIL;
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
	if (!job_needs_conf(job) && path_look(job->conf_path) == 0)
		return TRANSITION_NEXT;
	if (lacks_sandbox(job))
		return refuse_without_sandbox(job);
	return begin_evaluation(job);
}

/* Adds the first lines that the evaluation has written to standard error as warnings. */
static void add_stderr_warnings(struct job *job, const struct str *text)
{
	struct strv *warnings = &job->outcome.warnings;
	size_t n = 0;

	for (const char *line = text->data; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (len && n++ < STDERR_LINES_MAX) {
			char *copy = xstrndup(line, len);

			text_mask_controls(copy);
			text_shorten(copy, STDERR_LINE_MAX);
			strv_take(warnings, copy);
		}
		line += len;
		line += *line == '\n';
	}
	if (n > STDERR_LINES_MAX)
		strv_pushf(warnings, "its dkms.conf has written %zu more lines",
			n - STDERR_LINES_MAX);
}

enum transition evaluate_leave(struct job *job, const struct outcome *outcome)
{
	struct conf_request request = job_conf_request(job);
	struct error err = {0};
	bool full = memory_group_was_full(job->ask.user.memory_group);
	int r;

	user_give(&job->ask.user);
	if (outcome->cancelled)
		return TRANSITION_FAIL;
	if (!job->conf_writes && job_sandbox(job) != SANDBOX_KIND_NONE &&
		conf_copy_is_needed(outcome)) {
		job->conf_writes = true;
		return TRANSITION_AGAIN;
	}
	if (full && !outcome_ok(outcome))
		error_set(&err, -ENOMEM, 8,
			"the evaluation of %s needs more memory than max_build_memory permits",
			job->conf_path);
	r = conf_parse(&request, &job->ask.command, outcome, &job->conf, &err);
	if (r == 0)
		add_stderr_warnings(job, &outcome->err);
	if (r < 0 && outcome->error) { /* even a removal wants to know why bash did not run */
		error_move(&job->outcome.error, &err);
		return TRANSITION_FAIL;
	}
	return take_conf(job, r, &err);
}
