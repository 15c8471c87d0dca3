/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of an autoinstall: which packages went which way. */
#include "config.h"

#include "cli/autoinstall.h"

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

void groups_print(const struct plan *p, const struct strv *deferred,
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
		else if (job->result == RESULT_EXCLUDED)
			group = &skipped;
		else if (job->installed)
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
