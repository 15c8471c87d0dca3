/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_REPORTING: apport(1), where it is there, hears of a module that could not be built. */
#include "config.h"

#include "builder/steps/apport.h"


/* The hook comes with the package of dkms, and is of no use without the program. */
#define HOOK "/usr/share/apport/package-hooks/dkms_packages.py"
#define PROGRAM "/usr/share/apport/apport"
/* Where the hook looks for the log. */
#define TREE "/var/lib/dkms"

enum phase report_enter(struct job *job)
{
	int status = job->outcome.error.status;

	if (job->outcome.result != RESULT_FAILED || (status != 10 && status != 7) ||
		job->shared->stop.signal)
		return PHASE_NEXT;
	if (geteuid() != 0 || !streq(job->shared->settings->trees.dkms, TREE) ||
		access(HOOK, X_OK) < 0 || access(PROGRAM, F_OK) < 0)
		return PHASE_NEXT;
	strv_push_all(&job->ask.command.argv,
		(const char *const[]){HOOK, "-m", job->name, "-v", job->version, "-k",
			job->kernel->release, NULL});
	return PHASE_COMMAND;
}
