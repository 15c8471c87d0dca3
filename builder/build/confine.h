/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CONFINE_H
#define BUILDER_BUILD_CONFINE_H

#include "builder/job/job.h"

/* Appends the environment of the job's commands: what environment.h permits of dkms's own,
 * plus the variables that a dkms.conf and its scripts can rely on. For a sandbox, PATH has
 * only the directories that it shows. */
void build_fill_environment(const struct job *job, struct strv *env);
/* Returns the $PATH of the job's commands. It belongs to job->build. */
const char *build_search_path(const struct job *job);
/* Returns the user that the job's commands are, as far as it can make a difference to
 * them: "nobody", "root" or "user". Static text. */
const char *confine_user(const struct job *job);
/* Fills box with what the job's commands can see and write. The caller sets box->kind and
 * calls sandbox_done(). Some strings are borrowed from the job. */
void build_fill_sandbox(const struct job *job, struct sandbox *box);

/* Whether a MAKE directive of the command line names a directory in / that is not part of
 * the distribution, so that builds see all of them. */
bool build_shows_unpackaged(const struct settings *s);
/* Whether the administrator allows builds of this module to use the network: whether
 * sandbox_network in framework.conf lists its name. */
bool build_may_use_network(const struct job *job);

#endif
