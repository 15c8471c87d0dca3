/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MACHINE_H
#define BUILDER_MACHINE_H

#include "builder/job/job.h"

/* The state machine that all kinds of jobs run through. It knows the order of the states
 * and which kinds of job enter them; what happens in a state is in the rooms below. */

enum job_step {
	STEP_COMMAND, /* run job->ask.command, then step again with its outcome */
	STEP_WORK,    /* call job_work from any thread, then step again */
	STEP_ENDED,   /* job->outcome.result is set */
};

/* Brings the job to its next command, to its next work for a thread, or to its end. last
 * is how the command ended that the step before asked for, else NULL. Never blocks for
 * long: call it on the loop's thread. */
enum job_step job_step(struct job *job, const struct outcome *last);
/* Does the work that the last step asked for. */
void job_work(struct job *job);
/* Frees a job in any state; NULL is allowed. */
void job_free(struct job *job);

#endif
