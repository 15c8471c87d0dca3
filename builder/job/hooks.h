/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_HOOKS_H
#define BUILDER_JOB_HOOKS_H

#include "builder/job/job.h"
#include "builder/job/phase.h"

/* The scripts that a dkms.conf names. Those that act on the system (POST_ADD,
 * PRE_INSTALL, POST_INSTALL, POST_REMOVE) run outside the sandbox. */

/* Asks for the command that runs such a script; what is the directive's name. PHASE_NEXT
 * when there is none. */
enum phase script_enter(struct job *job, const char *what, const char *script);
enum phase script_leave(struct job *job, const struct outcome *outcome);
/* Makes "DIR/SCRIPT ARGUMENTS" of a script directive, /etc/dkms/NAME/SCRIPT winning;
 * caller frees; NULL (and a warning) when it is missing or not executable. The command
 * will see dir as seen_dir. */
char *script_line(struct job *job, const char *what, const char *script, const char *dir,
	const char *seen_dir);

#endif
