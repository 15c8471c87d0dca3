/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CONFINE_H
#define BUILDER_BUILD_CONFINE_H

#include "builder/job/job.h"

/* The environment of the job's commands: ours without what is about this session and none
 * of a build's business, and what a dkms.conf and its scripts are promised. */
void build_environment(const struct job *job, struct strv *env);
/* What the job's commands see: fills box except for its kind. */
void build_sandbox(const struct job *job, struct sandbox *box);

/* Whether the administrator lets it use the network. */
bool build_has_network(const struct job *job);

#endif
