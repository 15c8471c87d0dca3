/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_HOOKS_H
#define BUILDER_JOB_HOOKS_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* The scripts that a dkms.conf names. In each function, directive is the name of the
 * directive ("POST_ADD") and script is its value: the script's path in the source,
 * and arguments. */

/* Begins a state that runs a script which acts on the system: POST_ADD, PRE_INSTALL,
 * POST_INSTALL or POST_REMOVE. It runs outside the sandbox, in the source directory.
 * Returns TRANSITION_COMMAND; TRANSITION_NEXT if the directive is not set or the script
 * cannot be run. */
enum transition hook_enter(struct job *job, const char *directive, const char *script);
/* Keeps what the script has printed. If it failed, adds a warning; the job goes on. */
enum transition hook_leave(struct job *job, const struct outcome *outcome);
/* Returns the shell command that runs a script, "PATH ARGUMENTS"; the caller frees it.
 * The path is /etc/dkms/NAME/SCRIPT if that is an executable file, else the script's path
 * in dir, which the command sees as seen_dir. If there is no executable file, adds a
 * warning and returns NULL. */
char *hook_command_line(struct job *job, const char *directive, const char *script,
	const char *dir, const char *seen_dir);

#endif
