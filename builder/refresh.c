/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_DEPMOD: what a kernel needs once, when all jobs on it have ended. */
#include "config.h"

#include <errno.h>

#include "builder/phases.h"

enum phase depmod_enter(struct job *job)
{
	job->result = RESULT_NOTHING;
	return PHASE_STOP;
}

enum phase depmod_leave(struct job *job, const struct outcome *outcome)
{
	(void)job;
	(void)outcome;
	return PHASE_NEXT;
}

/* Takes out again what this run has installed on the kernel. */
static int roll_back_work(struct job *job)
{
	for (size_t i = 0; i < job->n_members; i++) {
		struct job *member = job->members[i];

		if (!member->installed)
			continue;
		uninstall_work(member);
		member->installed = false;
	}
	return -EIO;
}

enum phase roll_back_enter(struct job *job)
{
	if (!job->error.status)
		return PHASE_NEXT;
	job->work = roll_back_work;
	return PHASE_WORK;
}
