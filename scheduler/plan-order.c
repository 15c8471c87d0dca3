/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds wait for each other although BUILD_DEPENDS does not say so? */
#include "config.h"

#include "builder/host/header-mounts.h"
#include "scheduler/job-index.h"
#include "scheduler/plan-order.h"

/* Returns whether both jobs build the same module version, each for its own kernel. */
static bool is_same_build(const struct job *a, const struct job *b)
{
	return job_builds(a) && a->kind == b->kind && streq(a->name, b->name) &&
	       streq(a->version, b->version);
}

static int compare_builds(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
	int order = strcmp(x->name, y->name);

	if (order == 0)
		order = strcmp(x->version, y->version);
	if (order == 0)
		order = (x->kind > y->kind) - (x->kind < y->kind);
	return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Adds edges so that a module version is built for one kernel after the other. Without
 * mount namespaces all these builds use the same directory, NAME/VERSION/build. */
static void add_directory_edges(struct plan *p)
{
	struct job **builds = xcalloc(p->n_jobs - p->n_jobs_run + 1, sizeof(struct job *));
	size_t n = 0;

	for (size_t i = p->n_jobs_run; i < p->n_jobs; i++)
		if (job_builds(p->jobs[i]))
			builds[n++] = p->jobs[i];
	qsort(builds, n, sizeof(*builds), compare_builds);
	for (size_t i = 1; i < n; i++)
		if (is_same_build(builds[i - 1], builds[i]))
			plan_add_edge(p, builds[i - 1], builds[i], EDGE_AFTER);
	free(builds);
}

/* Returns the job that builds the same module version as like, but for the given kernel;
 * or NULL. */
static struct job *find_build(const struct job_index *index, const struct kernel *kernel,
	const struct job *like)
{
	size_t n;
	struct job *const *jobs = job_index_find(index, like->name, kernel, &n);

	for (size_t i = n; i-- > 0;)
		if (is_same_build(jobs[i], like))
			return jobs[i];
	return NULL;
}

/* Returns an array with an element for each kernel of the plan: the index of the first
 * kernel whose cached objects may be reused for it, or its own index if there is none
 * before it. header_mounts_family() says which kernels can share objects. The caller
 * frees the array. */
static size_t *find_first_of_family(const struct plan *p)
{
	struct digest *families = xcalloc(p->n_kernels + 1, sizeof(*families));
	size_t *first = xcalloc(p->n_kernels + 1, sizeof(*first));

	for (size_t k = 0; k < p->n_kernels; k++) {
		size_t i = header_mounts_family(p->kernels[k], &families[k]) ? 0 : k;

		while (i < k && !digest_equal(&families[i], &families[k]))
			i++;
		first[k] = i;
	}
	free(families);
	return first;
}

/* Adds edges so that a module version is built for the first of several kernels that can
 * share objects, and then for the others, which reuse its objects from the cache. Every
 * edge leads to a kernel with a higher index, so the edges cannot form a cycle. */
static void add_kin_edges(struct plan *p)
{
	_cleanup_free_ size_t *first = find_first_of_family(p);
	struct job_index index;

	job_index_init(&index, p->jobs + p->n_jobs_run, p->n_jobs - p->n_jobs_run);
	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *job =
			first[k] < k ? plan_last_job_on(p, p->kernels[k]) : NULL;

		for (; job && job->number >= p->n_jobs_run; job = job->before) {
			struct job *before =
				job_builds(job)
					? find_build(&index, p->kernels[first[k]], job)
					: NULL;

			if (before)
				plan_add_edge(p, before, job, EDGE_AFTER);
		}
	}
	job_index_done(&index);
}

void plan_order_builds(struct plan *p)
{
	if (p->shared.sandbox == SANDBOX_KIND_NONE)
		add_directory_edges(p);
	else if (p->shared.cache && !p->shared.settings->switches.force)
		add_kin_edges(p);
}
