/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do kernel_preinst and kernel_prerm do? The packages of kernels call them before a kernel
 * is installed or removed. (kernel_postinst is the same as autoinstall.) */
#include "config.h"

#include "base/file.h"
#include "builder/tree/tree.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-run.h"
#include "cli/kernel-hooks.h"
#include "cli/session.h"

/* Whether a version is built for the kernel. Looks for the directory itself, because tree_read()
 * lists a broken version without its kernels. */
static bool is_built(const struct session *s, const struct tree_entry *e,
	const struct kernel *kernel)
{
	_cleanup_free_ char *dir = tree_built_dir(s->settings->trees.dkms,
		version_on_kernel(e->name, e->version, kernel->release, kernel->arch));

	return path_is_dir(dir);
}

/* Adds a job for each version that is built for the kernel. Jobs of the same package run one
 * after the other. */
static int add_jobs_for_built(struct session *s, enum job_kind kind)
{
	struct kernel *kernel = s->kernels[0];
	struct tree_filter filter = {.release = kernel->release, .arch = kernel->arch};
	struct job *job = NULL;
	struct tree_list list;
	int r = tree_read(s->settings->trees.dkms, s->settings->trees.source, &filter,
		&list, &s->error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];
		struct job *previous = job;

		if (!is_built(s, e, kernel))
			continue;
		job = plan_add_job(&s->plan, kind, kernel, e->name, e->version);
		if (previous && streq(previous->name, job->name))
			plan_add_edge(&s->plan, previous, job, EDGE_AFTER);
	}
	tree_list_done(&list);
	return 0;
}

/* Adds a job that unbuilds for each evaluated version with AUTOINSTALL=yes. Other versions stay
 * built, because no autoinstall would build them again. */
static void add_unbuilds(struct session *s)
{
	size_t n = s->plan.n_jobs;
	struct job *job = NULL;

	for (size_t i = 0; i < n; i++) {
		struct job *evaluated = s->plan.jobs[i], *previous = job;

		if (evaluated->outcome.result != RESULT_DONE ||
			!evaluated->conf->autoinstall)
			continue;
		job = plan_add_follow_up(&s->plan, JOB_UNBUILD, evaluated);
		if (previous && streq(previous->name, job->name))
			plan_add_edge(&s->plan, previous, job, EDGE_AFTER);
	}
}

/* Runs the jobs that unbuild and depmod, removes empty directories of the kernel, and prints
 * the summary. */
static int run_unbuilds(struct session *s)
{
	int r;

	plan_add_depmods(&s->plan);
	r = plan_run(&s->plan, &s->error);
	if (r == 0) {
		dir_remove_empty(s->kernels[0]->dir);
		report_summary(&s->report, &s->plan);
	}
	return r;
}

static int hook_status(const struct session *s)
{
	return session_exit_status(s) ? 14 : 0;
}

int command_kernel_preinst(struct arguments *args)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, false) == 0 && add_jobs_for_built(&s, JOB_EVALUATE) == 0 &&
		plan_run(&s.plan, &s.error) == 0) {
		add_unbuilds(&s);
		if (run_unbuilds(&s) == 0)
			status = hook_status(&s);
	}
	return session_done(&s, status);
}

int command_kernel_prerm(struct arguments *args)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, false) == 0 && add_jobs_for_built(&s, JOB_UNBUILD) == 0 &&
		run_unbuilds(&s) == 0)
		status = hook_status(&s);
	return session_done(&s, status);
}
