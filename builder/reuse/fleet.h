/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FLEET_H
#define BUILDER_REUSE_FLEET_H

#include "builder/job/job.h"
#include "builder/job/transition.h"
#include "builder/reuse/fleet-state.h"

/* What other machines have built: see fleet-state.h. */

/* Reads the keys that the settings name, and borrows the settings. Returns 0, or a negative errno
 * and err; fleet_done() frees in both cases. */
int fleet_read_keys(const struct settings *s, struct fleet *ret, struct error *err);
void fleet_done(struct fleet *fleet);

/* JOB_ASKING */
enum transition fleet_enter(struct job *job);
/* Whether the job may not be built, because of --remote-only. Sets job->outcome.error. */
bool fleet_forbids_build(struct job *job);
/* Keeps what the job has just stored in the cache, to push it when the run ends. e is moved. */
void fleet_keep(struct job *job, struct entry *e);
/* NULL is allowed. The transport must have been closed, or nothing be pending. */
void fleet_ask_free(struct fleet_ask *ask);

/* Returns what a remote cache had for the job: "hit", "bad" for an answer that was not believed,
 * "failed" if a server could not be reached, or "miss"; static. NULL if none was asked. */
const char *fleet_result_word(const struct job *job);

/* The exit status of a job that --remote-only does not let build. */
#define FLEET_MISS_STATUS 22

#endif
