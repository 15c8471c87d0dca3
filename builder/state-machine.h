/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_STATE_MACHINE_H
#define BUILDER_STATE_MACHINE_H

#include "builder/job/job.h"

/* The state machine of all kinds of jobs. It knows the order of the states and which
 * kinds of jobs enter them. The folders of builder/ implement the states. */

/* What the caller of job_step() has to do next. */
enum job_step {
	STEP_COMMAND, /* run job->ask.command, then call job_step() with its outcome */
	STEP_WORK,    /* call job_work() on any thread, then call job_step() again */
	STEP_WAIT,    /* wait some milliseconds, then call job_step() again */
	STEP_ENDED,   /* nothing: job->outcome.result is set */
};

/* Advances the job to its next command, to its next work for a thread, or to its end.
 * last is the outcome of the command that the previous step asked for; NULL if it asked
 * for none. Does not block for long, so the thread of the event loop can call it. */
enum job_step job_step(struct job *job, const struct outcome *last);
/* Does the work that the last step asked for, and keeps its result in job->ask. */
void job_work(struct job *job);
/* Frees a job in any state, with everything that it owns. NULL is allowed. */
void job_free(struct job *job);

#endif
