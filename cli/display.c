/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far is the run? Counts its jobs from the events, and draws that on the terminal. */
#include "config.h"

#include <signal.h>
#include <sys/ioctl.h>

#include "scheduler/plan-slots.h"
#include "cli/display-frame.h"
#include "cli/display.h"

#define SHOW_AFTER_MS 150 /* a run that ends sooner shows no display */
#define REDRAW_MS 200	  /* the time between two frames */
#define PRIOR_S 5	  /* weight of the expected speed; see estimate_left_s() */

struct display {
	uv_timer_t timer;
	uv_signal_t resized;	     /* SIGWINCH */
	const struct events *events; /* NULL before the first event */
	size_t n_ended;	    /* all jobs that have ended, whatever is_counted() says */
	struct frame frame; /* the counts so far */
	size_t n_counted;   /* the first so many jobs of the plan are in the counts */
	struct strv modules; /* the names of modules, each once */
	bool due;	     /* SHOW_AFTER_MS have passed */
	bool shown;	     /* the screen shows the display */
	struct str last;     /* the text of the last frame that was drawn */
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

static void write_out(const struct str *s)
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

/* Whether the display counts the job. Reading a dkms.conf and running depmod are jobs to the
 * scheduler, but not to a user. */
static bool is_counted(const struct job *job)
{
	return job->kind != JOB_EVALUATE && job->kind != JOB_DEPMOD;
}

/* Counts the jobs that were added to the plan since the last call. */
static void count_new_jobs(struct display *d, const struct plan *p)
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

/* The seconds that have passed since then_ns; 0 if then_ns is 0. */
static double seconds_since(uint64_t then_ns)
{
	uint64_t now = uv_hrtime();

	return then_ns && now > then_ns ? (double)(now - then_ns) / 1e9 : 0;
}

/* Estimates how many seconds the run still takes: the expected CPU time of the work that is
 * left, divided by the speed so far (CPU time done per second elapsed). Early in a run that
 * speed says little. So PRIOR_S seconds in which all slots were busy are added to what was
 * measured. */
static double estimate_left_s(const struct display *d)
{
	const struct plan *p = d->events->plan;
	double slots = d->frame.slots ? (double)d->frame.slots : 1;
	double elapsed = d->frame.elapsed_s, done = 0, all = 0, longest = 0, left;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];
		double expected = (double)job->request.expected_ms / 1e3;

		/* A job that was served from the cache, failed or was excluded took less time
		 * than expected, which says nothing about the other jobs. */
		if (job->outcome.result != RESULT_NONE &&
			(job->outcome.restored || job->outcome.linked_from ||
				job->outcome.result != RESULT_DONE))
			continue;
		all += expected;
		done += job->outcome.result != RESULT_NONE ? expected : 0;
	}
	for (size_t i = 0; i < d->events->n_running; i++) {
		double expected = (double)d->events->running[i]->request.expected_ms / 1e3;
		double ran = seconds_since(d->events->running[i]->outcome.began_ns);

		done += ran < expected ? ran : expected;
		longest = expected - ran > longest ? expected - ran : longest;
	}
	left = (all - done) * (elapsed + PRIOR_S) / (done + slots * PRIOR_S);
	/* A job may run in several slots through make, but never faster than in all. */
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

/* Draws a frame over the one before, line by line, and moves the cursor back to its first
 * character. Wrapping of lines (DECAWM) is switched off meanwhile, because the window may
 * already be narrower than the size that the kernel reports. */
static void draw(struct display *d)
{
	struct frame_row *rows = xcalloc(d->events->n_running, sizeof(*rows));
	char **titles = xcalloc(d->events->n_running, sizeof(char *));
	struct frame *f = &d->frame;
	struct str text = {0};
	_cleanup_(str_done) struct str out = {0};
	size_t lines;

	for (size_t i = 0; i < d->events->n_running; i++) {
		const struct job *job = d->events->running[i];

		titles[i] = job->name && job->version
				    ? xasprintf("%s/%s", job->name, job->version)
				    : xstrdup(job_kind_name(job->kind));
		rows[i].module = titles[i];
		rows[i].kernel = job_kernel(job) ? job->kernel->release : "";
		rows[i].phase = job->ask.waits_for ? job_state_name(JOB_WAITING)
						   : job_state_name(job->state);
		rows[i].elapsed_s = seconds_since(job->outcome.began_ns);
	}
	f->rows = rows;
	f->n_rows = d->events->n_running;
	f->elapsed_s = seconds_since(d->events->began_ns);
	f->stopping = d->events->plan->shared.stop.signal != 0;
	f->left_s = f->jobs ? estimate_left_s(d) : -1;
	find_size(f);
	lines = frame_text(f, &text);
	for (size_t i = 0; i < d->events->n_running; i++)
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
		write_out(&out);
	}
	d->shown = true;
	str_done(&d->last);
	d->last = text;
}

static void on_timer(uv_timer_t *timer)
{
	struct display *d = timer->data;

	d->due = true;
	if (d->events && d->events->n_running)
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
	else if (job->outcome.result != RESULT_STOPPED)
		f->failed++;
	f->cached += job->outcome.restored;
	f->linked += job->outcome.linked_from != NULL;
}

static void on_event(void *userdata, const struct events *events, enum event event,
	const struct job *job)
{
	struct display *d = userdata;
	bool was_shown = d->shown;

	d->events = events;
	count_new_jobs(d, events->plan);
	switch (event) {
	case EVENT_ENDED:
	case EVENT_BLOCKED:
		count_end(d, job);
		break;
	case EVENT_STARTED:
	case EVENT_STEPPED:
	case EVENT_OVER:
		break;
	}
	if (event == EVENT_OVER || d->n_ended == events->plan->n_jobs)
		display_clear(d);
	else if (d->due && !was_shown && d->events->n_running)
		draw(d); /* a line was printed, and the display was erased for it */
}

struct display *display_new(uv_loop_t *loop)
{
	struct display *d = xcalloc(1, sizeof(*d));

	d->frame.utf8 = is_utf8();
	d->frame.color = is_empty(getenv("NO_COLOR"));
	uv_timer_init(loop, &d->timer);
	uv_signal_init(loop, &d->resized);
	d->timer.data = d->resized.data = d;
	uv_timer_start(&d->timer, on_timer, SHOW_AFTER_MS, REDRAW_MS);
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
	free(d);
}
