/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_REPORTING: reports a module that could not be built to apport(1), if that is
 * installed. */
#include "config.h"

#include "builder/steps/apport.h"

/* Ubuntu's package of dkms contains the hook, which needs the program. */
#define HOOK "/usr/share/apport/package-hooks/dkms_packages.py"
#define PROGRAM "/usr/share/apport/apport"
/* The dkms tree in which the hook searches the log. */
#define TREE "/var/lib/dkms"

enum transition report_enter(struct job *job)
{
	int status = job->outcome.error.status;

	/* 10: make failed; 7: make succeeded, but a module is missing. */
	if (job->outcome.result != RESULT_FAILED || (status != 10 && status != 7))
		return TRANSITION_NEXT;
	if (geteuid() != 0 || !streq(job->shared->settings->trees.dkms, TREE) ||
		access(HOOK, X_OK) < 0 || access(PROGRAM, F_OK) < 0)
		return TRANSITION_NEXT;
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){HOOK, "-m", job->name, "-v", job->version, "-k",
			job->kernel->release, NULL});
	return TRANSITION_COMMAND;
}
