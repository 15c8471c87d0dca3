/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "scheduler/plan.h"

/* The events of a run, and who listens to them: the report, the display, the JSON lines of
 * --events and the trace. Each listener gets every event; for one event, listeners are called
 * in the order in which they were added. */

/* What happened. The job is NULL for EVENT_OVER. */
enum event {
	EVENT_STARTED, /* the job has started */
	EVENT_STEPPED, /* the job has entered a phase, the last one of job->outcome.phases */
	EVENT_ENDED,   /* job->outcome.result says how */
	EVENT_BLOCKED, /* the job never ran; outcome.result and outcome.error are set */
	EVENT_OVER,    /* the command is over; its exit status is events->status */
};

struct events;

struct listener {
	void (*on_event)(void *userdata, const struct events *events, enum event event,
		const struct job *job);
	void *userdata;
};

#define EVENTS_LISTENERS 5

struct events {
	const struct plan *plan;
	const char *command; /* "autoinstall" */
	uint64_t began_ns;   /* uv_hrtime() at the start of the run */
	int status;	     /* the exit status; valid at EVENT_OVER */
	const struct job **running; /* in the order in which they started */
	size_t n_running;
	struct listener listeners[EVENTS_LISTENERS];
	size_t n_listeners;
};

/* Connects e to the plan, whose observer it becomes. Both must outlive the run. command is
 * borrowed. */
void events_init(struct events *e, struct plan *plan, const char *command);
/* Adds one of at most EVENTS_LISTENERS listeners. */
void events_add_listener(struct events *e, struct listener listener);
/* Sends EVENT_OVER with the exit status of the command, and frees the list of running jobs. */
void events_end(struct events *e, int status);

#endif
