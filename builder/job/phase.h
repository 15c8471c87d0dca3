/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_PHASE_H
#define BUILDER_JOB_PHASE_H

/* How a state goes on. Each state of a job has an enter function, and a leave function if
 * it runs a command; the table in machine.c calls them.
 *
 * The enter function begins the state. The leave function looks at how the command ended
 * that the enter function asked for. Work returns 0 or a negative errno, and fills
 * job->outcome.error itself. */

enum phase {
	PHASE_COMMAND, /* enter: job->ask.command is to be run */
	PHASE_WORK,    /* enter: job->ask.work is to be called */
	PHASE_NEXT,    /* this state is over, or none of this job's business */
	PHASE_AGAIN,   /* leave: enter this state once more */
	PHASE_RESTART, /* leave: build once more, from a fresh copy of the source on */
	PHASE_STOP,    /* the job is over; job->outcome.result says how */
	PHASE_FAIL,    /* job->outcome.error says why */
};

#endif
