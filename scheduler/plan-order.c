/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds wait for each other although BUILD_DEPENDS does not say so? */
#include "config.h"

#include "builder/host/header-mounts.h"
#include "scheduler/plan-order.h"

/* Returns whether both jobs build the same module version, each for its own kernel. */
static bool is_same_build(const struct job *a, const struct job *b)
{
	return job_builds(a) && a->kind == b->kind && streq(a->name, b->name) &&
	       streq(a->version, b->version);
}

/* Adds edges so that a module version is built for one kernel after the other. Without
 * mount namespaces all these builds use the same directory, NAME/VERSION/build. */
static void add_directory_edges(struct plan *p)
{
	for (size_t i = p->n_jobs_run; i < p->n_jobs; i++) {
		for (size_t j = i + 1; j < p->n_jobs; j++) {
			const struct job *a = p->jobs[i], *b = p->jobs[j];

			if (!is_same_build(a, b))
				continue;
			plan_add_edge(p, p->jobs[i], p->jobs[j], EDGE_AFTER);
			break;
		}
	}
}

/* Returns the job that builds the same module version as like, but for the given kernel,
 * and that has not been run; or NULL. */
static struct job *find_build(const struct plan *p, const struct kernel *kernel,
	const struct job *like)
{
	struct job *job = plan_last_job_on(p, kernel);

	while (job && job->number >= p->n_jobs_run && !is_same_build(job, like))
		job = job->before;
	return job && job->number >= p->n_jobs_run ? job : NULL;
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

	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *job =
			first[k] < k ? plan_last_job_on(p, p->kernels[k]) : NULL;

		for (; job && job->number >= p->n_jobs_run; job = job->before) {
			struct job *before = find_build(p, p->kernels[first[k]], job);

			if (before)
				plan_add_edge(p, before, job, EDGE_AFTER);
		}
	}
}

void plan_order_builds(struct plan *p)
{
	if (p->shared.sandbox == SANDBOX_KIND_NONE)
		add_directory_edges(p);
	else if (p->shared.cache && !p->shared.settings->switches.force)
		add_kin_edges(p);
}
