/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For which kernels does depmod run, and after which jobs? */
#include "config.h"

#include "scheduler/depmods.h"

/* Returns whether the job may add files to a kernel's tree or remove files from it. */
static bool may_change_kernel(const struct job *job)
{
	return job->kind == JOB_INSTALL || job->kind == JOB_UNINSTALL ||
	       job->kind == JOB_UNBUILD;
}

/* Adds a depmod for a kernel, with room for the jobs up to number n as its members. */
static struct job *add_depmod(struct plan *p, struct kernel *kernel, size_t n)
{
	struct job *depmod = plan_add_job(p, JOB_DEPMOD, kernel, NULL, NULL);

	depmod->depmod->members =
		xcalloc(n - p->n_jobs_with_depmod, sizeof(struct job *));
	return depmod;
}

bool plan_needs_depmod(const struct plan *p)
{
	for (size_t k = 0; k < p->n_kernels; k++)
		if (p->kernels[k]->unfinished || p->kernels[k]->needs_depmod)
			return true;
	return false;
}

void plan_add_depmods(struct plan *p)
{
	enum distro distro = p->shared.settings->distro;
	bool one_by_one = distro == DISTRO_RHEL || distro == DISTRO_SUSE;
	struct job *previous = NULL;
	size_t n = p->n_jobs;

	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *depmod = NULL;
		struct job_depmod *members = NULL;

		for (size_t i = p->n_jobs_with_depmod; i < n; i++) {
			if (p->jobs[i]->kernel != p->kernels[k] ||
				!may_change_kernel(p->jobs[i]))
				continue;
			if (!depmod)
				depmod = add_depmod(p, p->kernels[k], n);
			members = depmod->depmod;
			members->members[members->n_members++] = p->jobs[i];
			if (i >= p->n_jobs_run)
				plan_add_edge(p, p->jobs[i], depmod, EDGE_AFTER);
		}
		if (!depmod && (p->kernels[k]->unfinished || p->kernels[k]->needs_depmod))
			depmod = add_depmod(p, p->kernels[k], n);
		if (members)
			members->members = xrealloc_array(members->members,
				members->n_members, sizeof(struct job *));
		/* On these distributions weak-modules(8) runs with depmod, and changes
		 * the trees of other kernels as well. */
		if (depmod && previous && one_by_one)
			plan_add_edge(p, previous, depmod, EDGE_AFTER);
		previous = depmod ? depmod : previous;
	}
	p->n_jobs_with_depmod = p->n_jobs;
}
