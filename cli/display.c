/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live display: keeps account of a run, and draws frames of it. */
#include "config.h"

#include <signal.h>
#include <sys/ioctl.h>

#include "scheduler/plan-slots.h"
#include "cli/display-frame.h"
#include "cli/display.h"

#define FIRST_MS 150 /* what is over sooner is not worth a display */
#define EACH_MS 200
#define PRIOR_S 5 /* seconds for which the expectation counts against what is seen */

struct display {
	uv_timer_t timer;
	uv_signal_t resized;
	const struct events *events; /* from the first event on */
	const struct job **running;  /* in the order in which they began */
	size_t n_running;
	size_t n_ended; /* also of jobs that a person does not count */
	struct frame frame;
	size_t n_counted; /* jobs of the plan that are in the frame's sums */
	struct strv modules;
	bool due;	  /* FIRST_MS are over */
	bool shown;
	struct str last;  /* what the screen shows */
};

bool display_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !is_empty(term) && !streq(term, "dumb") &&
	       !getenv("DPKG_MAINTSCRIPT_NAME");
}

static bool is_utf8(void)
{
	const char *locale = getenv("LC_ALL");

	if (is_empty(locale))
		locale = getenv("LC_CTYPE");
	if (is_empty(locale))
		locale = getenv("LANG");
	return locale && (strstr(locale, "UTF-8") || strstr(locale, "utf8"));
}

static void put(const struct str *s)
{
	fwrite(s->data, 1, s->len, stdout);
	fflush(stdout);
}

void display_clear(struct display *d)
{
	if (!d || !d->shown)
		return;
	fputs("\r\033[J", stdout);
	fflush(stdout);
	d->shown = false;
}

/* What a person counts as a job. */
static bool is_counted(const struct job *job)
{
	return job->kind != JOB_EVALUATE && job->kind != JOB_DEPMOD;
}

/* Takes in the jobs that have been added to the plan. */
static void count_jobs(struct display *d, const struct plan *p)
{
	for (; d->n_counted < p->n_jobs; d->n_counted++) {
		const struct job *job = p->jobs[d->n_counted];

		d->frame.reading += job->kind == JOB_EVALUATE;
		if (!is_counted(job))
			continue;
		d->frame.jobs++;
		if (job->name && !strv_contains(&d->modules, job->name))
			strv_push(&d->modules, job->name);
	}
	d->frame.modules = d->modules.n ? d->modules.n : 1;
	d->frame.kernels = p->n_kernels;
	d->frame.slots = plan_count_slots(p);
}

static double seconds_from(uint64_t then_ns)
{
	uint64_t now = uv_hrtime();

	return then_ns && now > then_ns ? (double)(now - then_ns) / 1e9 : 0;
}

/* What is left of the work that was expected, at the rate at which it has been done so far.
 * Before there is much of that, as if all slots had been busy for a while. */
static double estimate_left(const struct display *d)
{
	const struct plan *p = d->events->plan;
	double slots = d->frame.slots ? (double)d->frame.slots : 1;
	double elapsed = d->frame.elapsed_s, done = 0, all = 0, longest = 0, left;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];
		double expected = (double)job->request.expected_ms / 1e3;

		/* What the cache has served, failed or was excluded says nothing of the rest. */
		if (job->outcome.result != RESULT_NONE &&
			(job->outcome.restored || job->outcome.linked_from ||
				job->outcome.result != RESULT_DONE))
			continue;
		all += expected;
		done += job->outcome.result != RESULT_NONE ? expected : 0;
	}
	for (size_t i = 0; i < d->n_running; i++) {
		double expected = (double)d->running[i]->request.expected_ms / 1e3;
		double ran = seconds_from(d->running[i]->outcome.began_ns);

		done += ran < expected ? ran : expected;
		longest = expected - ran > longest ? expected - ran : longest;
	}
	left = (all - done) * (elapsed + PRIOR_S) / (done + slots * PRIOR_S);
	/* What make does beside itself makes a job shorter, but not without end. */
	return left > longest / slots ? left : longest / slots;
}

static void find_size(struct frame *f)
{
	struct winsize size;

	f->columns = 80;
	f->lines = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
		return;
	f->columns = size.ws_col;
	f->lines = size.ws_row;
}

/* Draws over what is there, line by line, and goes back to its beginning. A window may be
 * narrower by now than the kernel knows, so lines must not wrap (DECAWM) meanwhile. */
static void draw(struct display *d)
{
	struct frame_row *rows = xcalloc(d->n_running, sizeof(*rows));
	char **titles = xcalloc(d->n_running, sizeof(char *));
	struct frame *f = &d->frame;
	struct str text = {0};
	_cleanup_(str_done) struct str out = {0};
	size_t lines;

	for (size_t i = 0; i < d->n_running; i++) {
		const struct job *job = d->running[i];

		titles[i] = job->name && job->version
				    ? xasprintf("%s/%s", job->name, job->version)
				    : xstrdup(job_kind_name(job->kind));
		rows[i].module = titles[i];
		rows[i].kernel = job_kernel(job) ? job->kernel->release : "";
		rows[i].phase = job_state_name(job->state);
		rows[i].elapsed_s = seconds_from(job->outcome.began_ns);
	}
	f->rows = rows;
	f->n_rows = d->n_running;
	f->elapsed_s = seconds_from(d->events->began_ns);
	f->left_s = f->jobs ? estimate_left(d) : -1;
	find_size(f);
	lines = frame_text(f, &text);
	for (size_t i = 0; i < d->n_running; i++)
		free(titles[i]);
	free(titles);
	free(rows);
	f->rows = NULL;

	if (!d->shown || !d->last.data || !streq(d->last.data, text.data)) {
		str_add(&out, "\033[?7l\r");
		for (const char *c = text.data; *c; c++)
			if (*c == '\n')
				str_add(&out, "\033[K\r\n");
			else
				str_add_bytes(&out, c, 1);
		str_add(&out, "\033[J\r");
		if (lines > 1)
			str_addf(&out, "\033[%zuA", lines - 1);
		str_add(&out, "\033[?7h");
		put(&out);
	}
	d->shown = true;
	str_done(&d->last);
	d->last = text;
}

static void on_timer(uv_timer_t *timer)
{
	struct display *d = timer->data;

	d->due = true;
	if (d->n_running)
		draw(d);
}

static void on_resized(uv_signal_t *handle, int signum)
{
	struct display *d = handle->data;

	(void)signum;
	if (!d->shown)
		return;
	display_clear(d);
	draw(d);
}

static void count_end(struct display *d, const struct job *job)
{
	struct frame *f = &d->frame;

	d->n_ended++;
	if (!is_counted(job))
		return;
	if (job->outcome.result == RESULT_EXCLUDED)
		f->excluded++;
	else if (job_succeeded(job))
		f->done++;
	else
		f->failed++;
	f->cached += job->outcome.restored;
	f->linked += job->outcome.linked_from != NULL;
}

static void remove_running(struct display *d, const struct job *job)
{
	size_t i = 0;

	while (i < d->n_running && d->running[i] != job)
		i++;
	if (i == d->n_running)
		return;
	d->n_running--;
	memmove(&d->running[i], &d->running[i + 1],
		(d->n_running - i) * sizeof(*d->running));
}

static void on_event(void *userdata, const struct events *events, enum event event,
	const struct job *job)
{
	struct display *d = userdata;
	bool was_shown = d->shown;

	d->events = events;
	count_jobs(d, events->plan);
	switch (event) {
	case EVENT_STARTED:
		d->running = xrealloc_array(d->running, d->n_running + 1,
			sizeof(*d->running));
		d->running[d->n_running++] = job;
		break;
	case EVENT_ENDED:
		remove_running(d, job);
		count_end(d, job);
		break;
	case EVENT_BLOCKED:
		count_end(d, job);
		break;
	case EVENT_STEPPED:
	case EVENT_OVER:
		break;
	}
	if (event == EVENT_OVER || d->n_ended == events->plan->n_jobs)
		display_clear(d);
	else if (d->due && !was_shown && d->n_running)
		draw(d); /* a line that stays took its place */
}

struct display *display_new(uv_loop_t *loop)
{
	struct display *d = xcalloc(1, sizeof(*d));

	d->frame.utf8 = is_utf8();
	d->frame.color = is_empty(getenv("NO_COLOR"));
	uv_timer_init(loop, &d->timer);
	uv_signal_init(loop, &d->resized);
	d->timer.data = d->resized.data = d;
	uv_timer_start(&d->timer, on_timer, FIRST_MS, EACH_MS);
	uv_signal_start(&d->resized, on_resized, SIGWINCH);
	uv_unref((uv_handle_t *)&d->timer);
	uv_unref((uv_handle_t *)&d->resized);
	return d;
}

struct listener display_listener(struct display *d)
{
	return (struct listener){on_event, d};
}

void display_free(struct display *d)
{
	uv_loop_t *loop;

	if (!d)
		return;
	display_clear(d);
	loop = d->timer.loop;
	uv_close((uv_handle_t *)&d->timer, NULL);
	uv_close((uv_handle_t *)&d->resized, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	strv_done(&d->modules);
	str_done(&d->last);
	free(d->running);
	free(d);
}
