/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which failures are the same? Prints each once, with the number of kernels that have it. */
#include "config.h"

#include "cli/failures.h"
#include "cli/print.h"

/* A failure of one module, and the number of kernels that have it. */
struct failure {
	const struct job *job; /* the first job that failed in this way */
	char *key;	       /* from failure_key() */
	size_t n;	       /* the number of kernels */
};

bool failure_has_details(const struct job *job)
{
	return job->outcome.result == RESULT_FAILED && job->name && job->kernel &&
	       job->outcome.error.status != 21 &&
	       (job->outcome.log_path || job->outcome.error.remedy ||
		       (job->outcome.error.what &&
			       strchr(job->outcome.error.what, '\n')));
}

/* Appends text with "KERNEL" in place of every release. */
static void add_without_release(struct str *s, const char *text, const char *release)
{
	size_t n = strlen(release);

	for (const char *found; n && (found = strstr(text, release)); text = found + n) {
		str_add_bytes(s, text, (size_t)(found - text));
		str_add(s, "KERNEL");
	}
	str_add(s, text);
}

/* Returns the text by which failures are compared: it is equal for two jobs if the same module
 * failed in the same way, whatever the kernel. The caller frees. */
static char *failure_key(const struct job *job)
{
	struct str s = {0};

	str_addf(&s, "%s/%s\n", job->name, job->version);
	add_without_release(&s, job->outcome.error.what ? job->outcome.error.what : "",
		job->kernel->release);
	str_add(&s, "\n");
	add_without_release(&s, job->outcome.error.remedy ? job->outcome.error.remedy : "",
		job->kernel->release);
	return str_take(&s);
}

static struct failure *find_same(struct failure *failures, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (streq(failures[i].key, key))
			return &failures[i];
	return NULL;
}

static void print_failure(const struct failure *f, FILE *out)
{
	const struct job *job = f->job;

	print_masked(out, "\n%s/%s for %s", job->name, job->version, job->kernel->release);
	if (f->n > 1)
		print_masked(out, " and %zu more kernel%s", f->n - 1, f->n == 2 ? "" : "s");
	fputs(": ", out);
	print_indented(out, job->outcome.error.what ? job->outcome.error.what : "failed");
	if (job->outcome.error.remedy)
		print_masked(out, "      %s\n", job->outcome.error.remedy);
	if (job->outcome.log_path)
		print_masked(out, "  log: %s\n", job->outcome.log_path);
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
		same = find_same(failures, n, key);
		if (same) {
			same->n++;
			free(key);
		} else {
			failures[n++] = (struct failure){job, key, 1};
		}
	}
	for (size_t i = 0; i < n; i++) {
		print_failure(&failures[i], out);
		free(failures[i].key);
	}
	free(failures);
}
