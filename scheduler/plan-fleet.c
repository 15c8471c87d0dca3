/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connects the jobs that ask a remote cache with the event loop. */
#include "config.h"

#include <errno.h>

#include "builder/reuse/fleet-push.h"
#include "builder/reuse/fleet.h"
#include "scheduler/plan-fleet.h"
#include "scheduler/remote-link.h"
#include "scheduler/runner.h"

#define PUSH_MS 10000

struct plan_fleet {
	struct fleet fleet;
	struct plan *plan;
	struct remote_link link;
	uv_poll_t poll;	  /* of the transport's descriptor, if has_poll is set */
	bool has_poll, tried, closed;
	struct fleet_pusher **pushers;
	size_t n_pushers, pushed;
	uint64_t bytes_out;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct plan_fleet *f = poll->data;

	(void)status;
	(void)events;
	remote_transport_dispatch(f->fleet.transport);
}

/* The jobs that wait keep the loop running, and not the transport. */
static void start_poll(struct plan_fleet *f)
{
	uv_poll_init(f->plan->loop, &f->poll, remote_transport_fd(f->fleet.transport));
	f->poll.data = f;
	uv_poll_start(&f->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&f->poll);
	f->has_poll = true;
}

static void start(struct fleet *fleet)
{
	struct plan_fleet *f = fleet->userdata;
	_cleanup_(error_done) struct error err = {0};
	_cleanup_(strv_done) struct strv urls = {0};

	if (f->tried)
		return;
	f->tried = true;
	strv_split(&urls, fleet->settings->remote.urls);
	if (remote_link_open(fleet->settings, &urls, NULL, &f->link, &err) == 0) {
		fleet->transport = f->link.transport;
		start_poll(f);
	} else {
		strv_pushf(&f->plan->warnings, "the remote cache is not used: %s", err.what);
	}
}

static void wake(struct fleet *fleet, const struct job *job)
{
	struct plan_fleet *f = fleet->userdata;
	struct plan *p = f->plan;

	if (job->number >= p->n_jobs_run && job->number - p->n_jobs_run < p->graph.n)
		runner_wake(p->loop, p->graph.nodes[job->number - p->n_jobs_run]);
}

void plan_open_fleet(struct plan *p)
{
	const struct settings *s = p->shared.settings;
	_cleanup_(error_done) struct error err = {0};
	struct plan_fleet *f;
	int r;

	if (p->fleet || is_empty(s->remote.urls) || s->remote.disabled ||
		s->switches.dry_run || !p->shared.cache)
		return;
	f = xcalloc(1, sizeof(*f));
	f->plan = p;
	f->fleet = (struct fleet){.start = start, .wake = wake, .userdata = f};
	r = fleet_read_keys(s, &f->fleet, &err);
	if (r == 0 && !f->fleet.n_keys && !f->fleet.sign)
		r = error_set(&err, -ENOENT, 1, "there is no public key in %s", s->remote.keys);
	p->fleet = f;
	if (r < 0)
		strv_pushf(&p->warnings, "the remote cache is not used: %s", err.what);
	else
		p->shared.fleet = &f->fleet;
}

/* Pushes what the jobs have built. */
static void push_all(struct plan_fleet *f)
{
	struct plan *p = f->plan;
	struct fleet *fleet = &f->fleet;
	struct fleet_pusher *pusher;

	f->pushers = xcalloc(p->n_jobs + 1, sizeof(*f->pushers));
	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct fleet_ask *ask = p->jobs[i]->fleet;

		if (!ask || !ask->built.n_files)
			continue;
		start(fleet);
		if (!fleet->transport || !remote_transport_is_on(fleet->transport, REMOTE_PUT))
			break;
		pusher = fleet_push(fleet, p->shared.cache, &ask->built, &ask->primary,
			&ask->primary_parts);
		if (pusher)
			f->pushers[f->n_pushers++] = pusher;
	}
	if (f->n_pushers && !remote_transport_wait(fleet->transport, PUSH_MS))
		strv_pushf(&p->warnings,
			"remote cache: not everything could be written in %d s",
			PUSH_MS / 1000);
}

/* Counts what was pushed, and frees it. Nothing may be pending. */
static void free_pushers(struct plan_fleet *f)
{
	for (size_t i = 0; i < f->n_pushers; i++) {
		uint64_t bytes;

		f->pushed += fleet_pusher_is_done(f->pushers[i], &bytes);
		f->bytes_out += bytes;
		fleet_pusher_free(f->pushers[i]);
	}
	free(TAKE_PTR(f->pushers));
	f->n_pushers = 0;
}

/* Warns of the answers that were not believed. */
static void warn_of_bad(struct plan *p)
{
	const char *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct fleet_ask *ask = p->jobs[i]->fleet;

		if (!ask || !ask->bad.n)
			continue;
		first = first ? first : ask->bad.items[0];
		n += ask->bad.n;
	}
	if (n == 1)
		strv_pushf(&p->warnings, "remote cache: not used: %s", first);
	else if (n)
		strv_pushf(&p->warnings, "remote cache: %zu answers were not used: %s, ...", n,
			first);
}

void plan_close_fleet(struct plan *p)
{
	struct plan_fleet *f = p->fleet;

	if (!f || f->closed)
		return;
	f->closed = true;
	if (f->fleet.sign && !p->shared.stop.signal)
		push_all(f);
	warn_of_bad(p);
	if (f->fleet.transport)
		strv_extend(&p->warnings, remote_transport_warnings(f->fleet.transport));
	if (f->has_poll) {
		uv_close((uv_handle_t *)&f->poll, NULL);
		uv_run(p->loop, UV_RUN_NOWAIT);
	}
	f->fleet.transport = NULL;
	remote_link_close(&f->link);
	free_pushers(f);
}

struct fleet_counts plan_count_fleet(const struct plan *p)
{
	struct fleet_counts counts = {0};

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct fleet_ask *ask = p->jobs[i]->fleet;

		if (!ask || !ask->began_ns)
			continue;
		counts.hits += ask->hit;
		counts.misses += !ask->hit;
		counts.bad += ask->bad.n;
		counts.bytes_in += ask->bytes;
		if (ask->ended_ns > ask->began_ns)
			counts.wait_ns += ask->ended_ns - ask->began_ns;
	}
	if (p->fleet) {
		counts.pushed = p->fleet->pushed;
		counts.bytes_out = p->fleet->bytes_out;
	}
	return counts;
}

void plan_free_fleet(struct plan_fleet *f)
{
	if (!f)
		return;
	fleet_done(&f->fleet);
	free(f);
}
