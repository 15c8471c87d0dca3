/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be done after modules have failed while packages are installed? */
#include "config.h"

#include "base/file.h"
#include "builder/host/package-owner.h"
#include "builder/host/version.h"
#include "builder/tree/tree.h"
#include "cli/next-step.h"
#include "cli/print.h"
#include "cli/sources.h"

/* Whether the job is about a module that cannot be built or installed. Missing headers have a
 * remedy of their own. */
static bool has_failed(const struct job *job)
{
	return job->outcome.result == RESULT_FAILED && job_builds(job) &&
	       job->outcome.error.status != 21;
}

/* Returns the newest release, or the running one, on which the module is installed; the caller
 * frees. NULL if there is none. */
static char *find_other_kernel(const struct settings *s, const struct job *job)
{
	struct tree_filter filter = {.name = job->name};
	_cleanup_free_ char *running = kernel_running_release();
	struct tree_list list = {0};
	char *best = NULL;

	tree_read(s->trees.dkms, s->trees.source, &filter, &list, NULL);
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state < STATE_INSTALLED_WEAK || streq(e->release, job->kernel->release))
			continue;
		if (!best || streq(e->release, running) ||
			(!streq(best, running) && version_compare(e->release, best) > 0))
			str_replace(&best, e->release);
	}
	tree_list_done(&list);
	return best;
}

/* Returns the newest version in the source tree that is newer than that of the job; the caller
 * frees. NULL if there is none. */
static char *find_newer(const struct settings *s, const struct job *job)
{
	_cleanup_(strv_done) struct strv sources = {0};
	size_t n = strlen(job->name);
	char *best = NULL;

	sources_list(s->trees.source, &sources);
	for (size_t i = 0; i < sources.n; i++) {
		const char *source = sources.items[i];

		if (strncmp(source, job->name, n) == 0 && source[n] == '/' &&
			version_compare(source + n + 1, best ? best : job->version) > 0)
			str_replace(&best, source + n + 1);
	}
	return best;
}

/* Appends the command, or the words, for another version of the module. */
static void add_newer(const struct settings *s, const struct job *job, struct str *text)
{
	_cleanup_free_ char *newer = find_newer(s, job);
	_cleanup_free_ char *conf = xasprintf(
		"%s/%s/%s/source/dkms.conf", s->trees.dkms, job->name, job->version);
	_cleanup_free_ char *package = newer ? NULL : package_of_file(conf);

	if (newer)
		str_addf(text, "dkms install %s/%s -k %s", job->name, newer,
			job->kernel->release);
	else if (package)
		str_addf(text, "install a newer %.*s", (int)strcspn(package, " "), package);
	else
		str_addf(text, "install a newer version of %s", job->name);
}

/* Appends " -k RELEASE" for each kernel on which the module has failed. */
static void add_kernels(const struct plan *p, const char *name, struct str *text)
{
	for (size_t i = 0; i < p->n_jobs; i++)
		if (has_failed(p->jobs[i]) && streq(p->jobs[i]->name, name))
			str_addf(text, " -k %s", p->jobs[i]->kernel->release);
}

void next_step_print(const struct plan *p, bool counts)
{
	const struct settings *s = p->shared.settings;
	_cleanup_(str_done) struct str text = {0};
	_cleanup_free_ char *other = NULL;
	const struct job *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		if (!has_failed(p->jobs[i]))
			continue;
		first = first ? first : p->jobs[i];
		n++;
	}
	if (!first)
		return;
	str_addf(&text, "%s/%s", first->name, first->version);
	if (n > 1)
		str_addf(&text, " for %s and %zu more have failed. ", first->kernel->release,
			n - 1);
	else
		str_addf(&text, " %s %s. ",
			first->outcome.log_path ? "does not build for" : "cannot be installed on",
			first->kernel->release);
	str_add(&text, "Ways out: ");
	other = find_other_kernel(s, first);
	if (other)
		str_addf(&text, "keep booting %s; ", other);
	add_newer(s, first, &text);
	str_addf(&text, "; dkms skip %s", first->name);
	add_kernels(p, first->name, &text);
	if (counts && getenv("DPKG_MAINTSCRIPT_NAME"))
		str_add(&text, ". After that: dpkg --configure -a");
	print_masked(stderr, "dkms: %s\n", text.data);
}
