/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who listens to what happens in a run? Passes the events of the plan to all listeners. */
#include "config.h"

#include "cli/events.h"

static void notify(struct events *e, enum event event, const struct job *job)
{
	for (size_t i = 0; i < e->n_listeners; i++)
		e->listeners[i].on_event(e->listeners[i].userdata, e, event, job);
}

static void add_running(struct events *e, const struct job *job)
{
	e->running = xrealloc_array(e->running, e->n_running + 1, sizeof(*e->running));
	e->running[e->n_running++] = job;
}

static void remove_running(struct events *e, const struct job *job)
{
	size_t i = 0;

	while (i < e->n_running && e->running[i] != job)
		i++;
	if (i == e->n_running)
		return;
	e->n_running--;
	memmove(&e->running[i], &e->running[i + 1], (e->n_running - i) * sizeof(*e->running));
}

static void on_event(enum run_event event, struct node *node, void *userdata)
{
	static const enum event events[] = {[RUN_STARTED] = EVENT_STARTED,
		[RUN_STEPPED] = EVENT_STEPPED, [RUN_ENDED] = EVENT_ENDED,
		[RUN_BLOCKED] = EVENT_BLOCKED};

	if (event == RUN_STARTED)
		add_running(userdata, node->data);
	else if (event == RUN_ENDED)
		remove_running(userdata, node->data);
	notify(userdata, events[event], node->data);
}

void events_init(struct events *e, struct plan *plan, const char *command)
{
	*e = (struct events){.plan = plan, .command = command, .began_ns = uv_hrtime()};
	plan->observer = (struct observer){on_event, e};
}

void events_add_listener(struct events *e, struct listener listener)
{
	if (e->n_listeners == EVENTS_LISTENERS)
		abort();
	e->listeners[e->n_listeners++] = listener;
}

void events_end(struct events *e, int status)
{
	e->status = status;
	notify(e, EVENT_OVER, NULL);
	free(e->running);
	e->running = NULL;
	e->n_running = 0;
}
