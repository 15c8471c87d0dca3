/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms autoinstall do, and what does it print at its end? */
#include "config.h"

#include "base/file.h"
#include "scheduler/autoinstall.h"
#include "scheduler/post-transaction.h"
#include "cli/autoinstall.h"
#include "cli/print.h"
#include "cli/session.h"

static void print_group(const char *what, const struct strv *names, FILE *out)
{
	_cleanup_free_ char *all = NULL;

	if (!names->n)
		return;
	all = strv_join(names, ", ");
	print_masked(out, "dkms: %s: %s\n", what, all);
}

/* Appends to ret the part of a message of plan_autoinstall() before verb, if it has that verb. */
static void add_subject(const char *text, const char *verb, struct strv *ret)
{
	const char *end = strstr(text, verb);

	if (end)
		strv_take(ret, xstrndup(text, (size_t)(end - text)));
}

/* Appends to ret the subject of a message of plan_autoinstall(): "odd/1.0" of
 * "odd/1.0 for 6.1.0-56-amd64 is deferred: it needs x", or "odd/1.0 for 6.1.0-56-amd64" if there
 * are several kernels. */
static void add_deferred(const struct plan *p, const char *text, struct strv *ret)
{
	const char *end = strstr(text, " is deferred");
	char *name = xstrndup(text, end ? (size_t)(end - text) : strlen(text));

	if (p->n_kernels == 1) {
		_cleanup_free_ char *suffix = xasprintf(" for %s", p->kernels[0]->release);

		if (has_suffix(name, suffix))
			name[strlen(name) - strlen(suffix)] = '\0';
	}
	strv_take(ret, name);
}

/* Prints the names of the packages that were installed, skipped, failed and deferred, a line
 * for each of these groups that is not empty. With several kernels it prints only the deferred
 * ones, because the table of report_summary() shows the others. With a single package it prints
 * nothing, because the line of its job says the same. deferred and broken are the lines that
 * plan_autoinstall() returned; broken packages count as skipped. */
static void print_outcome_groups(const struct plan *p, const struct strv *deferred,
	const struct strv *broken, FILE *out)
{
	_cleanup_(strv_done) struct strv installed = {0}, failed = {0}, waiting = {0};
	_cleanup_(strv_done) struct strv skipped = {0};

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];
		struct strv *group = NULL;

		if (!job->name)
			continue;
		if (!job_succeeded(job))
			group = &failed;
		else if (job->outcome.result == RESULT_EXCLUDED)
			group = &skipped;
		else if (job->outcome.installed)
			group = &installed;
		if (group)
			strv_pushf(group, "%s/%s", job->name, job->version);
	}
	for (size_t i = 0; i < broken->n; i++)
		add_subject(broken->items[i], " is broken", &skipped);
	for (size_t i = 0; i < deferred->n; i++)
		add_deferred(p, deferred->items[i], &waiting);
	if (installed.n + skipped.n + failed.n + waiting.n < 2)
		return;
	if (p->n_kernels == 1) {
		print_group("installed", &installed, out);
		print_group("skipped", &skipped, out);
		print_group("failed", &failed, out);
	}
	print_group("deferred", &waiting, out);
}

/* Returns 21 if jobs that count failed only because headers are missing, 11 if any failed for
 * another reason, and 0 otherwise. */
static int autoinstall_status(const struct session *s)
{
	const struct plan *p = &s->plan;
	int status = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		if (job_succeeded(p->jobs[i]) || !session_counts(s, p->jobs[i]))
			continue;
		if (p->jobs[i]->outcome.error.status != 21)
			return 11;
		status = 21;
	}
	return status;
}

/* Prints why modules were left alone. */
static void print_notes(const struct session *s)
{
	for (size_t i = 0; i < s->plan.notes.n; i++)
		print_masked(stdout, "%s%s\n", s->settings->switches.dry_run ? "" : "dkms: ",
			s->plan.notes.items[i]);
}

int command_autoinstall(struct arguments *args)
{
	_cleanup_(strv_done) struct strv deferred = {0}, broken = {0};
	_cleanup_(strv_done) struct strv older = {0};
	_cleanup_free_ char *off = path_join(args->settings.config_dir, "no-autoinstall");
	struct session s;
	int status = 0;

	if (path_exists(off))
		return 0;
	if (session_init(&s, args, false) == 0 &&
		plan_autoinstall(&s.plan, s.kernels, s.n_kernels, &deferred, &broken,
			&older, &s.error) == 0 &&
		session_run_installs(&s) == 0) {
		post_transaction_run(&s.plan, NULL);
		if (s.settings->switches.explain && !s.report.quiet)
			print_notes(&s);
		for (size_t i = 0; i < older.n && !s.report.quiet; i++)
			printf("dkms: %s\n", older.items[i]);
		for (size_t i = 0; i < deferred.n; i++)
			print_warning("%s", deferred.items[i]);
		for (size_t i = 0; i < broken.n; i++)
			print_warning("%s", broken.items[i]);
		if (!s.report.quiet && !s.plan.shared.stop.signal)
			print_outcome_groups(&s.plan, &deferred, &broken, stdout);
		report_summary(&s.report, &s.plan);
		status = autoinstall_status(&s);
	}
	return session_done(&s, status);
}
