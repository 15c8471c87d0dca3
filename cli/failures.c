/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, told once: the same failure for several kernels is one. */
#include "config.h"

#include "cli/failures.h"
#include "cli/print.h"

/* A failure of one module, and the kernels that it is for. */
struct failure {
	const struct job *job; /* the first one */
	char *key;	       /* the same for the same failure on another kernel */
	size_t n;	       /* kernels */
};

bool failure_has_details(const struct job *job)
{
	return job->outcome.result == RESULT_FAILED && job->name && job->kernel &&
	       job->outcome.error.status != 21 &&
	       (job->outcome.log_path || job->outcome.error.remedy ||
		       (job->outcome.error.what &&
			       strchr(job->outcome.error.what, '\n')));
}

/* Appends text with every other standing for the release of its kernel. */
static void add_without(struct str *s, const char *text, const char *release)
{
	size_t n = strlen(release);

	for (const char *found; n && (found = strstr(text, release)); text = found + n) {
		str_add_bytes(s, text, (size_t)(found - text));
		str_add(s, "KERNEL");
	}
	str_add(s, text);
}

static char *failure_key(const struct job *job)
{
	struct str s = {0};

	str_addf(&s, "%s/%s\n", job->name, job->version);
	add_without(&s, job->outcome.error.what ? job->outcome.error.what : "",
		job->kernel->release);
	str_add(&s, "\n");
	add_without(&s, job->outcome.error.remedy ? job->outcome.error.remedy : "",
		job->kernel->release);
	return str_take(&s);
}

static struct failure *find(struct failure *failures, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (streq(failures[i].key, key))
			return &failures[i];
	return NULL;
}

static void print_one(const struct failure *f, FILE *out)
{
	const struct job *job = f->job;

	fprintf(out, "\n%s/%s for %s", job->name, job->version, job->kernel->release);
	if (f->n > 1)
		fprintf(out, " and %zu more kernel%s", f->n - 1, f->n == 2 ? "" : "s");
	fputs(": ", out);
	print_indented(out, job->outcome.error.what ? job->outcome.error.what : "failed");
	if (job->outcome.error.remedy)
		fprintf(out, "      %s\n", job->outcome.error.remedy);
	if (job->outcome.log_path)
		fprintf(out, "  log: %s\n", job->outcome.log_path);
}

void failures_print(const struct plan *p, FILE *out)
{
	struct failure *failures = xcalloc(p->n_jobs, sizeof(*failures));
	size_t n = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];
		struct failure *same;
		char *key;

		if (!failure_has_details(job))
			continue;
		key = failure_key(job);
		same = find(failures, n, key);
		if (same) {
			same->n++;
			free(key);
		} else {
			failures[n++] = (struct failure){job, key, 1};
		}
	}
	for (size_t i = 0; i < n; i++) {
		print_one(&failures[i], out);
		free(failures[i].key);
	}
	free(failures);
}
