/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which builds are in the cache, and why are the others not? */
#include "config.h"

#include <errno.h>

#include "cache/cache.h"
#include "builder/host/kernel.h"
#include "builder/steps/check-needed.h"
#include "scheduler/plan-run.h"
#include "cli/cache-answer.h"
#include "cli/cache-why.h"
#include "cli/default-kernel.h"
#include "cli/print.h"

/* At most so many differences are shown for each part of a key, in text and in JSON. */
#define TEXT_MAX 3
#define JSON_MAX 100

/* Appends the releases of the kernels that the arguments name; without them, the running
 * one. */
static int list_kernels(const struct arguments *args, struct strv *ret, struct error *err)
{
	int r;

	if (args->all) {
		r = kernel_list_with_headers(&args->settings, ret);
		return r < 0 ? error_errno(err, r, 1, "cannot read %s",
				       args->settings.trees.install)
			     : 0;
	}
	strv_extend(ret, &args->kernels);
	if (!ret->n)
		strv_take(ret, default_kernel_release(args, true));
	return 0;
}

/* Adds a job for the version on each kernel. */
static void add_jobs(struct plan *p, const struct arguments *args,
	const struct strv *kernels, const char *name, const char *version)
{
	_cleanup_free_ char *own_arch = kernel_running_arch();

	for (size_t i = 0; i < kernels->n; i++) {
		const char *arch = own_arch;

		if (args->archs.n)
			arch = args->archs.items[args->archs.n == kernels->n ? i : 0];
		plan_add_job(p, JOB_EXPLAIN, plan_get_kernel(p, kernels->items[i], arch),
			name, version);
	}
}

int cache_why_add_jobs(struct plan *p, const struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	struct tree_filter filter = {.name = args->name, .version = args->version};
	_cleanup_(strv_done) struct strv kernels = {0};
	struct tree_list list = {0};
	int r = list_kernels(args, &kernels, err);

	if (r < 0)
		return r;
	if (args->name && args->version) {
		r = check_added(s, args->name, args->version, err);
		if (r == 0)
			add_jobs(p, args, &kernels, args->name, args->version);
		return r;
	}
	r = tree_read(s->trees.dkms, s->trees.source, &filter, &list, err);
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state < STATE_ADDED || (i && streq(e->name, e[-1].name) &&
							streq(e->version, e[-1].version)))
			continue;
		add_jobs(p, args, &kernels, e->name, e->version);
	}
	if (r == 0 && args->name && !list.n)
		r = error_set(err, -ENOENT, 3, "%s is not in the dkms tree", args->name);
	tree_list_done(&list);
	return r;
}

/* Prints the answers for all jobs, or appends them to list if that is not NULL. Returns
 * the exit status: that of the first job that failed. */
static int answer(struct cache *cache, const struct plan *p, json_t *list)
{
	size_t hits = 0;
	int status = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		struct cache_answer a;

		cache_answer_find(cache, p->jobs[i], list ? JSON_MAX : TEXT_MAX, &a);
		hits += a.kind == ANSWER_HIT;
		if (a.kind == ANSWER_FAILED && !status)
			status = p->jobs[i]->outcome.error.status
					 ? p->jobs[i]->outcome.error.status
					 : 1;
		if (list)
			json_array_append_new(list, cache_answer_json(&a));
		else if (p->n_jobs == 1)
			cache_answer_print(&a);
		else
			cache_answer_print_line(cache, &a);
		cache_answer_done(&a);
	}
	if (!list && !p->n_jobs)
		printf("there is no build to look for: no module is added, or no kernel "
		       "has headers\n");
	if (!list && p->n_jobs > 1)
		printf("%zu of %zu builds %s in the cache\n", hits, p->n_jobs,
			hits == 1 ? "is" : "are");
	return status;
}

int cache_why(struct cache *cache, struct arguments *args, json_t *doc, struct error *err)
{
	json_t *list = doc ? json_array() : NULL;
	struct plan plan;
	uv_loop_t loop;
	int status;

	if (doc)
		json_object_set_new(doc, "builds", list);
	if (uv_loop_init(&loop) < 0)
		return error_set(err, -EMFILE, 1, "no jobs can be started");
	plan_init(&plan, &loop, &args->settings);
	plan_use_cache(&plan, cache);
	if (cache_why_add_jobs(&plan, args, err) == 0 && plan_run(&plan, err) == 0)
		status = answer(cache, &plan, list);
	else
		status = err->status;
	plan_done(&plan);
	uv_loop_close(&loop);
	return status;
}
