/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "scheduler/plan.h"

/* The events of a run, one stream with several listeners: plain lines, the display, JSON
 * lines, the trace. Each hears every event, in the order in which they were added. */

/* What can happen; job is NULL for the last one. */
enum event {
	EVENT_STARTED, /* a job */
	EVENT_STEPPED, /* it entered the phase that is last in job->outcome.phases */
	EVENT_ENDED,   /* job->outcome.result says how */
	EVENT_BLOCKED, /* it never ran: job->outcome.result and job->outcome.error are set
			*/
	EVENT_OVER,    /* the command, whose exit status is events->status */
};

struct events;

struct listener {
	void (*on_event)(void *userdata, const struct events *events, enum event event,
		const struct job *job);
	void *userdata;
};

#define EVENTS_LISTENERS 4

struct events {
	const struct plan *plan;
	const char *command; /* "autoinstall" */
	uint64_t began_ns;   /* uv_hrtime */
	int status;	     /* exit status, when it is over */
	struct listener listeners[EVENTS_LISTENERS];
	size_t n_listeners;
};

/* Makes the plan tell events of what it runs. */
void events_init(struct events *e, struct plan *plan, const char *command);
void events_add_listener(struct events *e, struct listener listener);
/* Tells that the command is over. */
void events_end(struct events *e, int status);

#endif
