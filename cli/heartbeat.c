/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is running? Says so from time to time where there is no terminal: in the output of a
 * package manager, a build of several minutes would look like one that hangs. */
#include "config.h"

#include "cli/heartbeat.h"
#include "cli/print.h"
#include "cli/words.h"

#define FIRST_MS 2000
#define INTERVAL_MS 15000
#define INTERVAL_MAX_S 86400

struct heartbeat {
	uv_timer_t timer;
	uint64_t interval_ms;
	const struct events *events; /* NULL before the first event */
};

/* Returns the seconds of DKMS_HEARTBEAT in ms, or the default if that is no number. */
static uint64_t interval_ms(void)
{
	const char *text = getenv("DKMS_HEARTBEAT");
	char *end;
	double seconds;

	if (is_empty(text))
		return INTERVAL_MS;
	seconds = strtod(text, &end);
	if (*end || !(seconds >= 0) || seconds > INTERVAL_MAX_S)
		return INTERVAL_MS;
	return (uint64_t)(seconds * 1000);
}

/* Returns the number of running jobs that a person would call so, which the reading of a dkms.conf is
 * not, and the first of them. */
static size_t count_running(const struct events *e, const struct job **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_running; i++)
		if (e->running[i]->kind != JOB_EVALUATE && n++ == 0)
			*ret = e->running[i];
	return n;
}

/* n is the number of running jobs, and job the first of them. */
static void print(const struct heartbeat *h, const struct job *job, size_t n)
{
	const struct plan *p = h->events->plan;
	_cleanup_free_ char *title = job_title(job);
	_cleanup_free_ char *time =
		format_seconds((double)(uv_hrtime() - h->events->began_ns) / 1e9);
	const char *phase = job->ask.waits_for ? job_state_name(JOB_WAITING)
					       : job_state_name(job->state);
	size_t jobs = 0, ended = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		jobs += job_in_summary(p->jobs[i]);
		ended += job_in_summary(p->jobs[i]) &&
			 p->jobs[i]->outcome.result != RESULT_NONE;
	}
	fflush(stdout);
	if (jobs > 1)
		print_masked(stderr, "dkms: %zu of %zu jobs done after %s; running: ", ended,
			jobs, time);
	else
		print_masked(stderr, "dkms: after %s, running: ", time);
	print_masked(stderr, "%s (%s)", title, phase);
	if (n > 1)
		print_masked(stderr, " and %zu more", n - 1);
	fputc('\n', stderr);
}

static void on_timer(uv_timer_t *timer)
{
	const struct heartbeat *h = timer->data;
	const struct job *job = NULL;
	size_t n;

	n = count_running(h->events, &job);
	if (n)
		print(h, job, n);
}

static void on_event(void *userdata, const struct events *events, enum event event,
	const struct job *job)
{
	struct heartbeat *h = userdata;
	uint64_t first = h->interval_ms < FIRST_MS ? h->interval_ms : FIRST_MS;

	if (!h->events)
		uv_timer_start(&h->timer, on_timer, first, h->interval_ms);
	h->events = events;
	/* Its line says that there is life. */
	if (event == EVENT_ENDED && job_in_summary(job))
		uv_timer_again(&h->timer);
}

struct heartbeat *heartbeat_new(uv_loop_t *loop)
{
	uint64_t ms = interval_ms();
	struct heartbeat *h;

	if (!ms)
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->interval_ms = ms;
	uv_timer_init(loop, &h->timer);
	h->timer.data = h;
	uv_unref((uv_handle_t *)&h->timer);
	return h;
}

struct listener heartbeat_listener(struct heartbeat *h)
{
	return (struct listener){on_event, h};
}

void heartbeat_free(struct heartbeat *h)
{
	uv_loop_t *loop;

	if (!h)
		return;
	loop = h->timer.loop;
	uv_close((uv_handle_t *)&h->timer, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	free(h);
}
