/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For which kernels does depmod run, and after which jobs? */
#include "config.h"

#include "scheduler/depmods.h"

/* Returns whether the job may add files to a kernel's tree or remove files from it. */
static bool may_change_kernel(const struct job *job)
{
	return job->kind == JOB_INSTALL || job->kind == JOB_UNINSTALL ||
	       job->kind == JOB_UNBUILD || job->kind == JOB_SIGN;
}

/* Returns how many jobs have been added for the kernel since the last call of
 * plan_add_depmods() that may change its tree. last is the last of its jobs. */
static size_t count_members(const struct plan *p, const struct job *last)
{
	size_t n = 0;

	for (; last && last->number >= p->n_jobs_with_depmod; last = last->before)
		n += may_change_kernel(last);
	return n;
}

/* Adds a depmod for a kernel, whose members are the n jobs that count_members() has counted.
 * It waits for them. */
static struct job *add_depmod(struct plan *p, struct kernel *kernel, struct job *last, size_t n)
{
	struct job *depmod = plan_add_job(p, JOB_DEPMOD, kernel, NULL, NULL);

	depmod->depmod->members = xcalloc(n + 1, sizeof(struct job *));
	depmod->depmod->n_members = n;
	for (struct job *job = last; n; job = job->before) {
		if (!may_change_kernel(job))
			continue;
		depmod->depmod->members[--n] = job;
		if (job->number >= p->n_jobs_run)
			plan_add_edge(p, job, depmod, EDGE_AFTER);
	}
	return depmod;
}

bool plan_needs_depmod(const struct plan *p)
{
	for (size_t k = 0; k < p->n_kernels; k++)
		if (p->kernels[k]->unfinished || p->kernels[k]->needs_depmod)
			return true;
	return false;
}

/* Returns whether the job changes its kernel's tree, or runs a script before or after. */
static bool is_changing_kernel(const struct job *job)
{
	return job->state >= JOB_PRE_INSTALL && job->state <= JOB_POST_REMOVE;
}

/* Returns whether modules wait for this depmod and none of them is being installed. */
static bool is_due_early(const struct job *depmod)
{
	const struct job_depmod *d = depmod->depmod;
	uint64_t wait_ns = (EARLY_DEPMOD_S * UINT64_C(1000000000)) << d->n_early;
	uint64_t last_ns = d->early_ns;

	for (size_t i = 0; i < d->n_members; i++) {
		const struct job *member = d->members[i];

		if (is_changing_kernel(member))
			return false;
		if (member->state == JOB_ENDED && member->outcome.changed_kernel &&
			member->outcome.ended_ns > last_ns)
			last_ns = member->outcome.ended_ns;
	}
	return last_ns > d->early_ns && uv_hrtime() - last_ns >= wait_ns;
}

struct job *plan_add_early_depmod(struct plan *p)
{
	if (p->shared.stop.signal || p->shared.settings->switches.no_depmod)
		return NULL;
	for (size_t i = p->n_jobs_run; i < p->n_jobs; i++) {
		struct job *depmod = p->jobs[i], *early;

		if (depmod->kind != JOB_DEPMOD || depmod->depmod->early ||
			depmod->state != JOB_NEW || !is_due_early(depmod))
			continue;
		early = plan_add_job(p, JOB_DEPMOD, depmod->kernel, NULL, NULL);
		early->depmod->early = true;
		depmod->depmod->early_ns = uv_hrtime();
		depmod->depmod->n_early++;
		plan_add_edge(p, early, depmod, EDGE_AFTER);
		return early;
	}
	return NULL;
}

void plan_add_depmods(struct plan *p)
{
	enum distro distro = p->shared.settings->distro;
	bool one_by_one = distro == DISTRO_RHEL || distro == DISTRO_SUSE;
	struct job *previous = NULL;

	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *depmod = NULL, *last = plan_last_job_on(p, p->kernels[k]);
		size_t n = count_members(p, last);

		if (n || p->kernels[k]->unfinished || p->kernels[k]->needs_depmod)
			depmod = add_depmod(p, p->kernels[k], last, n);
		/* On these distributions weak-modules(8) runs with depmod, and changes
		 * the trees of other kernels as well. */
		if (depmod && previous && one_by_one)
			plan_add_edge(p, previous, depmod, EDGE_AFTER);
		previous = depmod ? depmod : previous;
	}
	p->n_jobs_with_depmod = p->n_jobs;
}
