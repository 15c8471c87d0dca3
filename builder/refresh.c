/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_DEPMOD: what a kernel needs once, when all jobs on it have ended. */
#include "config.h"

#include <errno.h>

#include "builder/depmod.h"
#include "builder/phases.h"

/* JOB_RUNNING_DEPMOD */

static bool any_changed(const struct job *job)
{
	for (size_t i = 0; i < job->n_members; i++)
		if (job->members[i]->changed_kernel)
			return true;
	return false;
}

enum phase depmod_enter(struct job *job)
{
	int r;

	job->depmod = xcalloc(1, sizeof(*job->depmod));
	if (!any_changed(job) || job->shared->settings->no_depmod) {
		job->result = RESULT_NOTHING;
		return PHASE_STOP;
	}
	r = depmod_prepare(job->shared->settings, job->kernel, job->depmod, &job->error);
	if (r < 0)
		return PHASE_NEXT; /* to rolling back */
	if (r == 0) {
		job->result = RESULT_NOTHING;
		return PHASE_STOP;
	}
	job->command = job->depmod->command;
	command_init(&job->depmod->command);
	job->command.essential = true;
	return PHASE_COMMAND;
}

enum phase depmod_leave(struct job *job, const struct outcome *outcome)
{
	depmod_finish(job->depmod, job->kernel, outcome, &job->error);
	return PHASE_NEXT;
}

/* JOB_ROLLING_BACK */

/* Takes out again what this run has installed on the kernel. */
static int roll_back_work(struct job *job)
{
	_cleanup_(strv_done) struct strv names = {0};
	_cleanup_free_ char *all = NULL;

	for (size_t i = 0; i < job->n_members; i++) {
		struct job *member = job->members[i];

		if (!member->installed)
			continue;
		if (uninstall_work(member) == 0)
			strv_pushf(&names, "%s/%s", member->name, member->version);
		member->installed = false;
	}
	all = strv_join(&names, ", ");
	if (names.n)
		error_remedy(&job->error, "uninstalled again: %s", all);
	return -EIO;
}

enum phase roll_back_enter(struct job *job)
{
	if (!job->error.status)
		return PHASE_NEXT;
	job->work = roll_back_work;
	return PHASE_WORK;
}
