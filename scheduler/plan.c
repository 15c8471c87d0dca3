/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which jobs does a command have, and which of them wait for others? */
#include "config.h"

#include "base/file.h"
#include "builder/host/purl.h"
#include "builder/tree/kernel-mark.h"
#include "builder/reuse/key-texts.h"
#include "builder/steps/plain-conf.h"
#include "builder/state-machine.h"
#include "scheduler/plan.h"

void plan_init(struct plan *p, uv_loop_t *loop, const struct settings *settings)
{
	*p = (struct plan){.loop = loop, .shared.settings = settings};
	p->shared.purls = purl_cache_new(settings->distro);
	p->history = history_read(NULL);
}

void plan_use_cache(struct plan *p, struct cache *cache)
{
	_cleanup_free_ char *history = path_join(store_dir(cache_store(cache)), "history");

	p->shared.cache = cache;
	p->shared.key_texts = key_texts_new(
		cache_statcache(cache), cache_listings(cache), p->shared.settings);
	history_free(p->history);
	p->history = history_read(history);
}

void plan_done(struct plan *p)
{
	graph_done(&p->graph);
	for (size_t i = 0; i < p->n_jobs; i++)
		job_free(p->jobs[i]);
	for (size_t i = 0; i < p->n_kernels; i++)
		kernel_free(p->kernels[i]);
	if (p->slots == &p->own_slots)
		slots_done(&p->own_slots);
	key_texts_free(p->shared.key_texts);
	purl_cache_free(p->shared.purls);
	plain_text_free(p->shared.plain_text);
	history_free(p->history);
	free(p->jobs);
	free(p->kernels);
	free(p->last_jobs);
	strv_done(&p->warnings);
	strv_done(&p->notes);
	*p = (struct plan){0};
}

struct kernel *plan_get_kernel(struct plan *p, const char *release, const char *arch)
{
	enum kernel_mark_state state;
	struct kernel *kernel;

	for (size_t i = 0; i < p->n_kernels; i++)
		if (streq(p->kernels[i]->release, release) && streq(p->kernels[i]->arch, arch))
			return p->kernels[i];
	p->kernels = xrealloc_array(p->kernels, p->n_kernels + 1, sizeof(*p->kernels));
	p->last_jobs =
		xrealloc_array(p->last_jobs, p->n_kernels + 1, sizeof(*p->last_jobs));
	p->last_jobs[p->n_kernels] = NULL;
	kernel = kernel_new(p->shared.settings, release, arch);
	state = kernel_mark_read(p->shared.settings->trees.dkms, release);
	kernel->unfinished = state == KERNEL_UNFINISHED;
	kernel->needs_depmod = state == KERNEL_NEEDS_DEPMOD;
	p->kernels[p->n_kernels++] = kernel;
	return kernel;
}

/* Returns the element of p->last_jobs that belongs to the kernel. */
static struct job **find_last_job(const struct plan *p, const struct kernel *kernel)
{
	for (size_t k = 0; k < p->n_kernels; k++)
		if (p->kernels[k] == kernel)
			return &p->last_jobs[k];
	abort();
}

struct job *plan_last_job_on(const struct plan *p, const struct kernel *kernel)
{
	return *find_last_job(p, kernel);
}

struct job *plan_add_job(struct plan *p, enum job_kind kind, struct kernel *kernel,
	const char *name, const char *version)
{
	struct job *job = job_new(kind, &p->shared, kernel, name, version);

	p->jobs = xrealloc_array(p->jobs, p->n_jobs + 1, sizeof(*p->jobs));
	job->number = p->n_jobs;
	if (kernel) {
		struct job **last = find_last_job(p, kernel);

		job->before = *last;
		*last = job;
	}
	p->jobs[p->n_jobs++] = job;
	graph_add_node(&p->graph, job, 0);
	return job;
}

struct job *plan_add_follow_up(struct plan *p, enum job_kind kind, struct job *evaluated)
{
	struct job *job = plan_add_job(
		p, kind, evaluated->kernel, evaluated->name, evaluated->version);

	job->conf_path = xstrdup(evaluated->conf_path);
	job->conf = TAKE_PTR(evaluated->conf);
	job->policy = evaluated->policy;
	/* Its lists belong to the new job. */
	evaluated->policy.sandbox.paths = evaluated->policy.sandbox.write = NULL;
	return job;
}

/* Returns the graph's node of a job that has not been run. */
static struct node *node_of(const struct plan *p, const struct job *job)
{
	return p->graph.nodes[job->number - p->n_jobs_run];
}

void plan_add_edge(
	struct plan *p, struct job *before, struct job *after, enum edge_kind kind)
{
	graph_add_edge(&p->graph, node_of(p, before), node_of(p, after), kind);
}

bool plan_has_builds(const struct plan *p)
{
	for (size_t i = p->n_jobs_run; i < p->n_jobs; i++)
		if (job_builds(p->jobs[i]))
			return true;
	return false;
}

bool job_succeeded(const struct job *job)
{
	return job->outcome.result != RESULT_FAILED &&
	       job->outcome.result != RESULT_BLOCKED &&
	       job->outcome.result != RESULT_STOPPED;
}
