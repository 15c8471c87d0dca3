/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_TRANSITION_H
#define BUILDER_JOB_TRANSITION_H

/* What the functions of a state return. Each state of a job has an enter function, and a
 * leave function if it runs a command; job_step() calls them by the table in
 * state-machine.c.
 *
 * The enter function begins the state. It may ask for a command or for work. The leave
 * function gets the outcome of that command. Work is a function that runs on a thread; it
 * returns 0, or a negative errno after it has filled job->outcome.error. If it returns
 * -EAGAIN because job_try_lock() has, the state is entered again in a moment. Waiting
 * occupies no thread and no job slot, and ends when the run is cancelled or --timeout has
 * passed. If work returns -ERESTART, this is TRANSITION_RESTART. */

enum transition {
	TRANSITION_COMMAND, /* enter only: run job->ask.command */
	TRANSITION_WORK,    /* enter only: call job->ask.work on a thread */
	/* enter only: enter this state again in a moment, because job_try_lock() has
	 * returned -EAGAIN */
	TRANSITION_WAIT,
	TRANSITION_NEXT,    /* the state is over, or this job does not need it */
	TRANSITION_AGAIN,   /* leave only: enter this state again */
	TRANSITION_RESTART, /* leave only: build again from JOB_COPYING on */
	TRANSITION_STOP,    /* the job is over; job->outcome.result is set */
	TRANSITION_FAIL,    /* the job has failed; job->outcome.error says why */
};

#endif
