/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms print of a run? A line for each job that ends, and a summary. */
#include "config.h"

#include <sys/ioctl.h>

#include "scheduler/plan-fleet.h"
#include "cli/display.h"
#include "cli/explain.h"
#include "cli/failures.h"
#include "cli/matrix.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/words.h"

void report_init(struct report *r, bool quiet)
{
	*r = (struct report){.quiet = quiet, .started_ns = uv_hrtime()};
}

void report_done(struct report *r)
{
	strv_done(&r->printed);
}

/* Whether the plan has at least two jobs that the summary counts. */
static bool has_several_jobs(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_jobs && n < 2; i++)
		n += job_in_summary(p->jobs[i]);
	return n > 1;
}

/* Returns true if text was not printed before, and remembers it. */
static bool is_new(struct report *r, const char *text)
{
	if (strv_contains(&r->printed, text))
		return false;
	strv_push(&r->printed, text);
	return true;
}

/* So much is shown at once of the line that says why a job failed (bytes). */
#define WHY_MAX_BYTES 160

/* Prints the line that says what failed and the beginning of the one that says why. */
static void print_first_lines(const char *what)
{
	_cleanup_free_ char *first = xstrndup(what, strcspn(what, "\n"));
	const char *rest = what + strlen(first);
	_cleanup_free_ char *why = *rest ? xstrndup(rest + 1, strcspn(rest + 1, "\n")) : NULL;

	print_masked(stderr, "%s\n", first);
	if (!why)
		return;
	text_shorten(why, WHY_MAX_BYTES);
	print_masked(stderr, "      %s\n", why);
}

static void print_failure(struct report *r, const struct plan *p, const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	const char *what = job->outcome.error.what ? job->outcome.error.what : "failed";
	bool brief = has_several_jobs(p) && failure_has_details(job);

	/* Missing headers (21) make all modules fail for that kernel; they are reported once. */
	if (job->outcome.error.status == 21) {
		if (is_new(r, what))
			print_error(&job->outcome.error);
		return;
	}
	if (job->kind == JOB_ADD || job->kind == JOB_PACK) {
		print_error(&job->outcome.error);
		return;
	}
	print_masked(stderr, "dkms: %s: FAILED: ", title);
	if (brief)
		print_first_lines(what);
	else
		print_indented(stderr, what);
	r->has_more |= brief;
	if (job->outcome.error.remedy && !brief)
		print_masked(stderr, "      %s\n", job->outcome.error.remedy);
	if (job->outcome.log_path)
		print_masked(stderr, "  log: %s\n", job->outcome.log_path);
}

static void print_added(const struct job *job, const char *title)
{
	if (job->add->refreshed)
		print_masked(stdout, "dkms: %s: source copied again from %s\n", title, job->add->from);
	else if (!job_archive(job))
		print_masked(stdout, "dkms: %s: added\n", title);
	else if (job->add->n_loaded)
		print_masked(stdout, "dkms: %s: added from %s, built for %zu kernel%s\n", title,
			job_archive(job), job->add->n_loaded,
			job->add->n_loaded > 1 ? "s" : "");
	else
		print_masked(stdout, "dkms: %s: added from %s\n", title, job_archive(job));
}

/* Returns how long the build took and, if its compilers have warned, where: "5.1 s, 3 warnings:
 * LOG". The caller frees. */
static char *format_build_time(const struct job *job)
{
	_cleanup_free_ char *time = format_seconds(job->outcome.build_s);
	size_t n = job->outcome.compiler_warnings;

	if (!n || !job->outcome.log_path)
		return TAKE_PTR(time);
	return xasprintf("%s, %zu warning%s: %s", time, n, n == 1 ? "" : "s",
		job->outcome.log_path);
}

static void print_restored(const struct job *job, const char *title, const char *what)
{
	if (job->outcome.signers)
		print_masked(stdout, "dkms: %s: %s from the fleet (signed by %s)\n", title,
			what, job->outcome.signers);
	else
		print_masked(stdout, "dkms: %s: %s from the cache\n", title, what);
}

static void print_done(const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	_cleanup_free_ char *time = format_build_time(job);

	switch (job->kind) {
	case JOB_ADD:
		print_added(job, title);
		break;
	case JOB_BUILD:
		if (job->outcome.restored)
			print_restored(job, title, "built");
		else if (job->outcome.linked_from)
			print_masked(stdout, "dkms: %s: built, linked from %s in %s\n", title,
				job->outcome.linked_from, time);
		else
			print_masked(stdout, "dkms: %s: built in %s\n", title, time);
		break;
	case JOB_INSTALL:
		if (job->outcome.restored)
			print_restored(job, title, "installed");
		else if (job->outcome.linked_from)
			print_masked(stdout, "dkms: %s: installed, linked from %s in %s\n", title,
				job->outcome.linked_from, time);
		else if (job->outcome.built)
			print_masked(stdout, "dkms: %s: installed, built in %s\n", title, time);
		else
			print_masked(stdout, "dkms: %s: installed\n", title);
		break;
	case JOB_UNINSTALL:
		print_masked(stdout, "dkms: %s: uninstalled\n", title);
		break;
	case JOB_UNBUILD:
		print_masked(stdout, "dkms: %s: %sunbuilt\n", title,
			job->outcome.uninstalled ? "uninstalled, " : "");
		break;
	case JOB_FORGET:
		print_masked(stdout, "dkms: %s: removed\n", title);
		break;
	case JOB_SIGN:
		print_masked(stdout, "dkms: %s: signed\n", title);
		break;
	case JOB_PACK:
		print_masked(stdout, "dkms: %s: packed into %s\n", title, job_archive(job));
		break;
	case JOB_EVALUATE:
	case JOB_EXPLAIN:
	case JOB_DEPMOD:
		break;
	}
}

static void print_nothing(const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);

	switch (job->kind) {
	case JOB_BUILD:
		print_masked(stdout, "dkms: %s: already built\n", title);
		break;
	case JOB_INSTALL:
		print_masked(stdout, "dkms: %s: already installed\n", title);
		break;
	case JOB_UNINSTALL:
		print_masked(stdout, "dkms: %s: not installed\n", title);
		break;
	case JOB_UNBUILD:
		print_masked(stdout, "dkms: %s: not built\n", title);
		break;
	case JOB_FORGET:
		print_masked(stdout, "dkms: %s: kept, because it is built for other kernels\n", title);
		break;
	case JOB_SIGN:
		if (job->outcome.state_before < STATE_BUILT)
			print_masked(stdout, "dkms: %s: not built\n", title);
		else if (!job->outcome.warnings.n)
			print_masked(stdout, "dkms: %s: already signed by this key\n", title);
		break;
	case JOB_ADD:
	case JOB_PACK:
	case JOB_EVALUATE:
	case JOB_EXPLAIN:
	case JOB_DEPMOD:
		break;
	}
}

/* Prints the warnings of a job, without those already printed for another job: a warning about
 * the module itself comes once for several kernels, one about the system once for all jobs. */
static void print_warnings(struct report *r, const struct job *job, const char *title)
{
	for (size_t i = 0; i < job->outcome.warnings.n; i++) {
		const char *text = job->outcome.warnings.items[i];
		_cleanup_free_ char *key = xasprintf("%s/%s: %s", job->name ? job->name : "",
			job->version ? job->version : "", text);

		if (is_new(r, key))
			print_warning("%s: %s", title, text);
	}
	for (size_t i = 0; i < job->outcome.notices.n; i++) {
		const char *text = job->outcome.notices.items[i];

		if (is_new(r, text))
			print_warning("%s", text);
	}
}

/* Whether to print no line for a job that succeeded: with --quiet, and if the live display and
 * then the table of the summary show the job. */
static bool hides_successes(const struct report *r, const struct plan *p)
{
	return r->quiet || (r->display && p->n_kernels > 1);
}

/* Prints what a job of a dry run would do. */
static void print_plan(const struct report *r, const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	_cleanup_free_ char *what = explain_job(job, r->explain);

	if (what)
		print_masked(stdout, "%s: %s\n", title, what);
}

static void print_wait(const struct report *r, const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);

	display_clear(r->display);
	print_masked(stdout, "dkms: %s: waiting for %s%s\n", title, job->ask.waits_for,
		job->state == JOB_WAITING ? " that is building it" : "");
	fflush(stdout);
}

/* Prints what a job is going to do and why, when it enters the first state after its checks. */
static void print_why(const struct report *r, const struct job *job)
{
	size_t n = job->outcome.n_phases;
	_cleanup_free_ char *title = NULL;
	_cleanup_free_ char *what = NULL;

	if (r->quiet || job->state <= JOB_CHECKING ||
		(n > 1 && job->outcome.phases[n - 2].state > JOB_CHECKING))
		return;
	what = explain_job(job, true);
	if (!what)
		return;
	title = job_title(job);
	display_clear(r->display);
	print_masked(stdout, "dkms: %s: %s\n", title, what);
	fflush(stdout);
}

static void print_end(struct report *r, const struct plan *p, const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	bool hidden = hides_successes(r, p);

	if (job->outcome.result == RESULT_STOPPED)
		return;
	if (r->dry_run && job->outcome.result != RESULT_FAILED) {
		print_plan(r, job);
		return;
	}
	if (!hidden || job->outcome.warnings.n || job->outcome.notices.n ||
		job->outcome.output.len || !job_succeeded(job))
		display_clear(r->display);
	print_warnings(r, job, title);
	if (job->outcome.output.len && !r->quiet)
		fwrite(job->outcome.output.data, 1, job->outcome.output.len, stdout);
	switch (job->outcome.result) {
	case RESULT_DONE:
		if (!hidden)
			print_done(job);
		break;
	case RESULT_NOTHING:
		if (!hidden)
			print_nothing(job);
		break;
	case RESULT_EXCLUDED:
		if (!hidden)
			print_masked(stdout, "dkms: %s: skipped: %s\n", title,
				job_why_excluded(job));
		break;
	case RESULT_FAILED:
	case RESULT_BLOCKED:
		print_failure(r, p, job);
		break;
	case RESULT_STOPPED:
	case RESULT_NONE:
		break;
	}
	fflush(stdout);
}

static void print_step(const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	_cleanup_free_ char *line = command_line(&job->ask.command);

	print_masked(stderr, "dkms: debug: %s: %s%s", title, job_state_name(job->state),
		*line ? ": " : "");
	print_indented(stderr, line);
}

void report_plan_warnings(struct report *r, const struct plan *p)
{
	if (r->n_warned == p->warnings.n)
		return;
	display_clear(r->display);
	fflush(stdout);
	for (; r->n_warned < p->warnings.n; r->n_warned++)
		print_warning("%s", p->warnings.items[r->n_warned]);
}

static void on_event(void *userdata, const struct events *events, enum event event,
	const struct job *job)
{
	struct report *r = userdata;

	if (event != EVENT_OVER)
		report_plan_warnings(r, events->plan);
	if (event == EVENT_STEPPED && r->debug)
		print_step(job);
	if (event == EVENT_STEPPED && job->ask.waits && !r->quiet)
		print_wait(r, job);
	if (event == EVENT_STEPPED && r->explain && !r->dry_run)
		print_why(r, job);
	if (event == EVENT_ENDED || event == EVENT_BLOCKED)
		print_end(r, events->plan, job);
}

struct listener report_listener(struct report *r)
{
	return (struct listener){on_event, r};
}

/* The summary */

static void add_sum(struct str *s, size_t n, const char *what)
{
	if (n)
		str_addf(s, "%s%zu %s", s->len ? ", " : "", n, what);
}

/* The width of the terminal at standard output; 0 if that is no terminal. */
static size_t terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* How many jobs of a run ended in which way. */
struct sums {
	size_t jobs, installed, built, cached, linked, excluded, failed, removed, signed_again;
	size_t stopped;	  /* ended early, because the run was cancelled */
	size_t not_begun; /* RESULT_STOPPED as well */
	double saved_s;	  /* the time that the cache has saved */
};

static void add_job(struct sums *sums, const struct job *job)
{
	const struct job_outcome *o = &job->outcome;
	bool stopped = o->result == RESULT_STOPPED;

	sums->jobs++;
	sums->installed += o->installed;
	sums->built += o->built && !o->restored && !o->linked_from;
	sums->cached += o->restored;
	sums->linked += o->linked_from != NULL;
	if (o->restored || o->linked_from)
		sums->saved_s += o->cost_s - (o->linked_from ? o->build_s : 0);
	sums->signed_again += o->signed_again;
	sums->removed += o->uninstalled || o->unbuilt;
	sums->excluded += o->result == RESULT_EXCLUDED;
	sums->failed += !job_succeeded(job) && !stopped;
	sums->stopped += stopped && job_has_begun(job);
	sums->not_begun += stopped && !job_has_begun(job);
}

void report_summary(const struct report *r, const struct plan *p)
{
	struct sums sums = {0};
	bool interrupted = p->shared.stop.signal;
	_cleanup_(str_done) struct str text = {0};
	_cleanup_free_ char *time = NULL, *saved = NULL;

	for (size_t i = 0; i < p->n_jobs; i++)
		if (job_in_summary(p->jobs[i]))
			add_job(&sums, p->jobs[i]);
	if (r->quiet || r->dry_run || sums.jobs < (interrupted ? 1 : 2))
		return;
	if (p->n_kernels > 1 && !interrupted)
		matrix_print(p, terminal_columns(), stdout);
	add_sum(&text, sums.cached, "cached");
	add_sum(&text, sums.linked, "linked");
	add_sum(&text, sums.built, "built");
	add_sum(&text, sums.installed, "installed");
	add_sum(&text, sums.signed_again, "signed");
	add_sum(&text, sums.removed, "removed");
	add_sum(&text, sums.excluded, "skipped");
	add_sum(&text, sums.failed, "failed");
	add_sum(&text, sums.stopped, "stopped");
	add_sum(&text, sums.not_begun, interrupted ? "not begun" : "not started");
	if (!text.len)
		return;
	if (interrupted) {
		print_masked(stdout, "Interrupted: %s. The same command goes on from here.\n",
			text.data);
		return;
	}
	time = format_seconds((double)(uv_hrtime() - r->started_ns) / 1e9);
	saved = sums.saved_s >= 0.05 ? format_seconds(sums.saved_s) : NULL;
	print_masked(stdout, "%s%s in %s%s%s%s.\n", p->n_kernels > 1 ? "\n" : "", text.data, time,
		saved ? "; " : "", saved ? saved : "", saved ? " saved" : "");
}

void report_remote(const struct report *r, const struct plan *p)
{
	struct fleet_counts n = plan_count_fleet(p);
	_cleanup_free_ char *in = format_bytes(n.bytes_in), *out = format_bytes(n.bytes_out);
	_cleanup_free_ char *time = format_seconds((double)n.wait_ns / 1e9);

	if (r->quiet || r->dry_run || !p->fleet)
		return;
	printf("remote cache: %zu hit%s, %zu miss%s, %zu bad; %s received, %s written, waited %s\n",
		n.hits, n.hits == 1 ? "" : "s", n.misses, n.misses == 1 ? "" : "es", n.bad, in,
		out, time);
}

void report_failures(const struct report *r, const struct plan *p)
{
	if (!r->has_more)
		return;
	fflush(stdout);
	failures_print(p, stderr);
}
