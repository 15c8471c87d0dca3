/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dkms autoinstall, and which packages went which way at its end. */
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
	fprintf(out, "dkms: %s: %s\n", what, all);
}

/* "odd/1.0" of "odd/1.0 for 6.1.0-56-amd64 is deferred: it needs x"; with several kernels
 * the kernel stays. */
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

/* Prints what became of the packages of an autoinstall, by name: a line each for those that
 * are installed, skipped, failed and deferred, as far as there are any. With several
 * kernels the matrix of report_summary does that for all but the deferred. Nothing when one
 * package is all, since its own line says the same. deferred: as plan_autoinstall gives it;
 * broken: skipped on all kernels. */
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
	strv_extend(&skipped, broken);
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

/* 11 when something failed, except that missing headers alone are 21. */
static int autoinstall_status(const struct plan *p)
{
	int status = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		if (job_succeeded(p->jobs[i]))
			continue;
		if (p->jobs[i]->outcome.error.status != 21)
			return 11;
		status = 21;
	}
	return status;
}

int command_autoinstall(struct arguments *args)
{
	_cleanup_(strv_done) struct strv deferred = {0}, broken = {0};
	_cleanup_free_ char *off = path_join(args->settings.config_dir, "no-autoinstall");
	struct session s;
	int status = 0;

	if (path_exists(off))
		return 0;
	if (session_init(&s, args, false) == 0 &&
		plan_autoinstall(&s.plan, s.kernels, s.n_kernels, &deferred, &broken,
			&s.error) == 0 &&
		session_run_installs(&s) == 0) {
		post_transaction_run(&s.plan, NULL);
		for (size_t i = 0; args->settings.switches.explain && !s.report.quiet &&
				   i < s.plan.notes.n;
			i++)
			printf("%s%s\n", s.settings->switches.dry_run ? "" : "dkms: ",
				s.plan.notes.items[i]);
		for (size_t i = 0; i < deferred.n; i++)
			print_warning("%s", deferred.items[i]);
		for (size_t i = 0; i < broken.n; i++)
			print_warning("%s is broken, its source is missing; skipped",
				broken.items[i]);
		if (!s.report.quiet)
			print_outcome_groups(&s.plan, &deferred, &broken, stdout);
		report_summary(&s.report, &s.plan);
		status = autoinstall_status(&s.plan);
	}
	return session_done(&s, status);
}
