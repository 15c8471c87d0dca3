/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds must wait for each other, though neither needs the other? */
#include "config.h"

#include "builder/host/header-mounts.h"
#include "scheduler/plan-order.h"

static bool is_same_build(const struct job *a, const struct job *b)
{
	return job_builds(a) && a->kind == b->kind && streq(a->name, b->name) &&
	       streq(a->version, b->version);
}

/* Without mount namespaces, builds of one module version share a directory, so that one
 * kernel comes after the other. */
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

/* The kernel's job that has not been run and builds the same, or NULL. */
static struct job *find_build(const struct plan *p, const struct kernel *kernel,
	const struct job *like)
{
	struct job *job = plan_last_job_on(p, kernel);

	while (job && job->number >= p->n_jobs_run && !is_same_build(job, like))
		job = job->before;
	return job && job->number >= p->n_jobs_run ? job : NULL;
}

/* For each kernel the first of its kin: the number of the first that objects made for it may
 * serve, its own at the latest. Caller frees. */
static size_t *find_kin(const struct plan *p)
{
	struct digest *kin = xcalloc(p->n_kernels + 1, sizeof(*kin));
	size_t *first = xcalloc(p->n_kernels + 1, sizeof(*first));

	for (size_t k = 0; k < p->n_kernels; k++) {
		size_t i = header_mounts_family(p->kernels[k], &kin[k]) ? 0 : k;

		while (i < k && !digest_equal(&kin[i], &kin[k]))
			i++;
		first[k] = i;
	}
	free(kin);
	return first;
}

/* Where objects made for one kernel may serve others, these wait for the first of them. An
 * edge leads to a later kernel always, so that there is no cycle. */
static void add_kin_edges(struct plan *p)
{
	_cleanup_free_ size_t *first = find_kin(p);

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
