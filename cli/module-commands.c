/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the commands do that add, build and install a module, and their opposites? Each turns
 * the arguments into jobs of a plan, runs the plan and reports. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/add/differences.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/tree/upgrade-mark.h"
#include "builder/steps/check-needed.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-run.h"
#include "scheduler/post-transaction.h"
#include "scheduler/run-command.h"
#include "scheduler/runner.h"
#include "cli/autoinstall.h"
#include "cli/module-commands.h"
#include "cli/print.h"
#include "cli/session.h"

/* Runs the job that adds the module, and sets *ret to it. A module that is already added is an
 * error unless allow_existing. */
static int run_add(struct session *s, bool allow_existing, struct job **ret)
{
	struct arguments *args = s->args;
	struct job *job =
		plan_add_job(&s->plan, JOB_ADD, s->kernels[0], args->name, args->version);

	job->add->allow_existing = allow_existing;
	if (args->directory)
		job->add->from = xstrdup(args->directory);
	else if (arguments_are_archive(args))
		job->add->archive = xstrdup(args->archive);
	if (args->conf)
		job->conf_path = xstrdup(args->conf);
	*ret = job;
	return plan_run(&s->plan, &s->error);
}

static bool is_rpm(const struct arguments *args)
{
	return arguments_are_archive(args) && has_suffix(args->archive, ".rpm");
}

/* Installs the RPM package of a module by rpm(8). */
static int run_rpm(const struct arguments *args, struct error *err)
{
	_cleanup_(outcome_done) struct outcome outcome = {0};
	_cleanup_(command_done) struct command cmd = {.log_fd = -1};
	_cleanup_free_ char *how = NULL;
	uv_loop_t loop;
	int r = arguments_check(args, err);

	if (r < 0)
		return r;
	if (!path_is_file(args->archive))
		return error_set(err, -ENOENT, 2, "there is no archive %s", args->archive);
	fflush(stdout);
	command_init(&cmd);
	strv_push_all(&cmd.argv,
		(const char *const[]){"rpm", "-Uvh", "--", args->archive, NULL});
	cmd.log_fd = args->quiet || arguments_need_stdout(args) ? -1 : STDOUT_FILENO;
	cmd.runs_when_cancelled = true; /* rpm must not stop halfway */
	if (uv_loop_init(&loop) < 0)
		return error_set(err, -EMFILE, 1, "rpm cannot be started");
	r = runner_run_command(&loop, &cmd, &outcome);
	uv_loop_close(&loop);
	if (r == 0 && outcome_ok(&outcome))
		return 0;
	fwrite(outcome.err.data, 1, outcome.err.len, stderr);
	how = outcome_describe(&outcome, &cmd);
	return error_set(err, -EIO, 9, "cannot install %s: rpm %s", args->archive,
		r < 0 ? strerror(-r) : how);
}

/* Installs the package, then runs autoinstall for what the package has added. */
static int install_rpm(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (run_rpm(args, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	return command_autoinstall(args);
}

int command_add(struct arguments *args)
{
	struct session s;
	struct job *job;
	int status = 0;

	if (is_rpm(args))
		return install_rpm(args);
	if (session_init(&s, args, false) == 0 && run_add(&s, false, &job) == 0)
		status = session_exit_status(&s);
	return session_done(&s, status);
}

int command_ldtarball(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (!args->archive) {
		error_set(&err, -ENOENT, 2, "ldtarball needs an archive");
		error_remedy(&err, "dkms ldtarball FILE");
		print_error(&err);
		return err.status;
	}
	/* The name and the version are those in the archive. */
	str_replace(&args->name, NULL);
	str_replace(&args->version, NULL);
	return command_add(args);
}

/* Adds the module for build and install, if it is not yet added, or if its script POST_ADD has not
 * run to its end. Returns 0 with the name and the version of the module in the arguments, or a
 * negative errno if there is nothing more to do: after a failure, with *status set, and in a dry
 * run. */
static int ensure_added(struct session *s, int *status)
{
	struct arguments *args = s->args;
	const char *tree = s->settings->trees.dkms;
	struct job *job;
	int r;

	if (!args->directory && !arguments_are_archive(args) &&
		tree_version_state(tree, s->settings->trees.source, args->name,
			args->version) > STATE_LEFTOVER &&
		!tree_has_add_mark(tree, args->name, args->version))
		return 0;
	r = run_add(s, true, &job);
	if (r == 0 && !job_succeeded(job)) {
		*status = job->outcome.error.status;
		r = -ECANCELED;
	}
	if (r == 0) {
		str_replace(&args->name, job->name);
		str_replace(&args->version, job->version);
	}
	/* A dry run cannot tell what follows, as long as the module is not really added. */
	if (r == 0 && s->settings->switches.dry_run)
		r = -ECANCELED;
	return r;
}

/* Compares what is built for a kernel with the directory that was given. Returns false and an
 * error if it was built from an older copy of that. If the directory is the source itself, and a
 * file in it is newer, prints a warning. */
static bool is_built_from_this(struct session *s, const struct kernel *k)
{
	const struct arguments *args = s->args;
	const char *tree = s->settings->trees.dkms;
	_cleanup_free_ char *dir = tree_version_dir(tree, args->name, args->version);
	_cleanup_free_ char *source = path_join(dir, "source"), *newer = NULL;
	_cleanup_free_ char *built = tree_built_dir(
		tree, version_on_kernel(args->name, args->version, k->release, k->arch));
	struct stat copied, published;

	if (stat(source, &copied) < 0 || stat(built, &published) < 0)
		return true;
	if (path_is_same(args->directory, source)) {
		newer = differences_find_newer(source, timespec_ns(&published.st_ctim));
		if (newer)
			print_warning("%s/%s for %s is older than %s/%s; --force builds it again",
				args->name, args->version, k->release, args->directory, newer);
		return true;
	}
	if (timespec_ns(&published.st_ctim) >= timespec_ns(&copied.st_ctim))
		return true;
	error_set(&s->error, -EEXIST, 3, "%s/%s is built for %s from an older copy of %s",
		args->name, args->version, k->release, args->directory);
	error_remedy(&s->error, "--force builds it again");
	return false;
}

/* Adds a job that builds for the kernel. With --force, a directory is always built again. */
static int add_build(struct session *s, enum job_kind kind, struct kernel *k)
{
	const struct arguments *args = s->args;
	struct job *job = plan_add_job(&s->plan, kind, k, args->name, args->version);

	if (!args->directory)
		return 0;
	job->request.rebuild = s->settings->switches.force;
	return job->request.rebuild || is_built_from_this(s, k) ? 0 : -EEXIST;
}

/* Adds a job for each kernel, and a depmod for each kernel that changes, and runs them. With
 * forget, the version is removed from the dkms tree at the end if no kernel is left and depmod has
 * not failed. */
static int run_on_kernels(struct session *s, enum job_kind kind, bool forget)
{
	struct job *last = NULL;
	size_t first = s->plan.n_jobs;

	for (size_t i = 0; i < s->n_kernels; i++) {
		if (kind != JOB_BUILD && kind != JOB_INSTALL)
			plan_add_job(&s->plan, kind, s->kernels[i], s->args->name,
				s->args->version);
		else if (add_build(s, kind, s->kernels[i]) < 0)
			return -EEXIST;
	}
	if (kind == JOB_INSTALL)
		return session_run_installs(s);
	if (kind == JOB_BUILD)
		session_open_cache(s);
	else
		plan_add_depmods(&s->plan);
	if (forget) {
		last = plan_add_job(
			&s->plan, JOB_FORGET, NULL, s->args->name, s->args->version);
		for (size_t i = first; s->plan.jobs[i] != last; i++)
			plan_add_edge(&s->plan, s->plan.jobs[i], last,
				s->plan.jobs[i]->kind == JOB_DEPMOD ? EDGE_NEEDS
								    : EDGE_AFTER);
	}
	return plan_run(&s->plan, &s->error);
}

static int build_or_install(struct arguments *args, enum job_kind kind)
{
	struct session s;
	int status = 0;

	if (is_rpm(args))
		return install_rpm(args);
	if (session_init(&s, args, false) == 0 && ensure_added(&s, &status) == 0 &&
		run_on_kernels(&s, kind, false) == 0) {
		if (kind == JOB_INSTALL)
			post_transaction_run(&s.plan, NULL);
		report_summary(&s.report, &s.plan);
		status = session_exit_status(&s);
	}
	return session_done(&s, status);
}

int command_build(struct arguments *args)
{
	return build_or_install(args, JOB_BUILD);
}

int command_install(struct arguments *args)
{
	return build_or_install(args, JOB_INSTALL);
}

/* Checks whether the version can be removed. A leftover is only forgotten, and a broken one needs
 * --force. */
static int check_removal(struct session *s, bool forget)
{
	const struct arguments *args = s->args;
	enum tree_state state;
	int r = tree_read_state(s->settings->trees.dkms, s->settings->trees.source,
		version_on_kernel(args->name, args->version, NULL, NULL), &state, &s->error);

	if (r < 0 || (state == STATE_BROKEN && s->settings->switches.force))
		return r;
	if (state != STATE_LEFTOVER || !forget)
		return check_added(s->settings, args->name, args->version, &s->error);
	s->n_kernels = 0;
	return 0;
}

static int run_removal(struct arguments *args, enum job_kind kind, bool forget)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, true) == 0 &&
		check_removal(&s, forget) == 0 && run_on_kernels(&s, kind, forget) == 0) {
		post_transaction_run(&s.plan, s.n_kernels ? s.kernels[0] : NULL);
		report_summary(&s.report, &s.plan);
		status = session_exit_status(&s);
	}
	return session_done(&s, status);
}

int command_uninstall(struct arguments *args)
{
	return run_removal(args, JOB_UNINSTALL, false);
}

int command_unbuild(struct arguments *args)
{
	return run_removal(args, JOB_UNBUILD, false);
}

int command_remove(struct arguments *args)
{
	const struct settings *s = &args->settings;

	/* arguments_check() has not checked the names yet. A bad name can have no mark. */
	if (s->switches.rpm_safe_upgrade && args->name && args->version &&
		tree_check_name("module name", args->name, NULL) == 0 &&
		tree_check_name("module version", args->version, NULL) == 0 &&
		upgrade_mark_take(s->trees.dkms, args->name, args->version)) {
		if (!args->quiet)
			print_masked(stdout, "dkms: %s/%s: kept, because this upgrade has added it again\n",
				args->name, args->version);
		return 0;
	}
	return run_removal(args, JOB_UNBUILD, true);
}
