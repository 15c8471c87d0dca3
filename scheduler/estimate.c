/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What will a job take: how much CPU time, and how much memory for its largest
 * process? */
#include "config.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/walk.h"
#include "scheduler/estimate.h"

/* Used when the history knows nothing. The values are fitted to the Debian modules that
 * bench/ measures. */
#define BUILD_MS 1000	     /* kbuild's start, modpost and linking */
#define SOURCE_FILE_MS 650   /* compiling one file */
#define DEPMOD_MS 500
#define OTHER_MS 10
#define PROCESS_BYTES                                                                    \
	((uint64_t)160 << 20) /* a compiler that reads the kernel's headers */

#define MAX_DEPTH 8 /* of directories in which source files are counted */

/* Returns the title of the job in the history. The caller frees it. */
static char *history_title(const struct job *job)
{
	if (job->kind == JOB_DEPMOD)
		return xstrdup("depmod");
	return xasprintf("%s/%s", job->name, job->version);
}

/* Counts the source files below a directory. */
static size_t count_sources(const char *dir)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t n = 0;

	if (walk_begin(&w, dir, WALK_VISIBLE) < 0)
		return 0;
	while ((e = walk_next(&w))) {
		if (has_suffix(e->name, ".c") || has_suffix(e->name, ".S"))
			n++;
		if (e->depth == MAX_DEPTH)
			walk_skip(&w);
	}
	return n;
}

/* Estimates a build by the number of source files (ms). */
static uint64_t guess_build_ms(const struct job *job)
{
	_cleanup_free_ char *dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
	_cleanup_free_ char *source = path_join(dir, "source");

	return BUILD_MS + SOURCE_FILE_MS * count_sources(source);
}

/* Returns whether the version is built for the kernel already and need not be rebuilt. */
static bool stays_built(const struct job *job)
{
	const struct settings *s = job->shared->settings;
	_cleanup_free_ char *dir = tree_built_dir(s->trees.dkms, job_on_kernel(job));

	return !job->request.rebuild && !s->switches.force && path_is_dir(dir);
}

/* Estimates one job. same is the previous job if it builds the same version, whose
 * estimate is then used again, or NULL. */
static struct cost estimate(const struct history *h, const struct job *job,
	const struct job *same)
{
	struct cost cost = {.cpu_ms = OTHER_MS};
	_cleanup_free_ char *title = NULL;

	if (!job_builds(job) && job->kind != JOB_DEPMOD)
		return cost;
	if (job_builds(job) && stays_built(job))
		return cost;
	title = history_title(job);
	if (history_find(h, title, job->kernel->release, &cost))
		return cost;
	if (job->kind == JOB_DEPMOD)
		cost.cpu_ms = DEPMOD_MS;
	else if (same && same->request.expected_rss_bytes)
		cost.cpu_ms = same->request.expected_ms;
	else
		cost.cpu_ms = guess_build_ms(job);
	if (job_builds(job))
		cost.max_rss_bytes = PROCESS_BYTES;
	return cost;
}

void estimate_jobs(const struct history *h, struct job *const *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct job *same = i && job_builds(jobs[i]) && job_builds(jobs[i - 1]) &&
						 streq(jobs[i]->name, jobs[i - 1]->name) &&
						 streq(jobs[i]->version, jobs[i - 1]->version)
						 ? jobs[i - 1]
						 : NULL;
		struct cost cost = estimate(h, jobs[i], same);

		jobs[i]->request.expected_ms = cost.cpu_ms;
		jobs[i]->request.expected_rss_bytes = cost.max_rss_bytes;
	}
}

void estimate_record(struct history *h, struct job *const *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct job *job = jobs[i];
		struct cost cost = {job_cpu_ns(job) / 1000000, job_max_rss_bytes(job)};
		_cleanup_free_ char *title = NULL;

		if (!(job_builds(job) && job->outcome.built && !job->outcome.restored &&
			    !job->outcome.linked_from) &&
			!(job->kind == JOB_DEPMOD && job->outcome.result == RESULT_DONE))
			continue;
		title = history_title(job);
		history_note(h, title, job->kernel->release, &cost);
	}
}

unsigned int estimate_slots_that_fit(
	struct job *const *jobs, size_t n, unsigned int slots, uint64_t bytes)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < n; i++)
		if (jobs[i]->request.expected_rss_bytes > largest)
			largest = jobs[i]->request.expected_rss_bytes;
	if (!largest || bytes / largest >= slots)
		return slots;
	return bytes < largest ? 1 : (unsigned int)(bytes / largest);
}
