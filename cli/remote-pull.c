/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does dkms remote pull do? It asks a remote cache as a build does, and builds nothing. */
#include "config.h"

#include <errno.h>

#include "cache/cache.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/reuse.h"
#include "scheduler/plan-fleet.h"
#include "scheduler/plan-run.h"
#include "cli/arguments.h"
#include "cli/cache-why.h"
#include "cli/print.h"
#include "cli/remote-pull.h"
#include "cli/words.h"

/* How the jobs have ended. */
struct sums {
	size_t here, pulled, missing, other;
	int status; /* of the first job that failed */
};

static void print_job(const struct arguments *args, const struct job *job, struct sums *sums)
{
	_cleanup_free_ char *title = job_title(job);
	const char *text = NULL, *more = "";

	if (job->outcome.result == RESULT_EXCLUDED) {
		text = "excluded: ";
		more = job->conf->excluded;
		sums->other++;
	} else if (job->outcome.result != RESULT_DONE) {
		print_error(&job->outcome.error);
		if (!sums->status)
			sums->status = job->outcome.error.status ? job->outcome.error.status : 1;
	} else if (!job->reuse->key.n_parts) {
		text = "not cached: ";
		more = fingerprint_find_obstacle(job);
		sums->other++;
	} else if (job->reuse->found) {
		text = "in the local cache already";
		sums->here++;
	} else if (job->fleet && job->fleet->hit) {
		text = "pulled, signed by ";
		more = job->outcome.signers;
		sums->pulled++;
	} else {
		text = job->fleet && job->fleet->failed ? "no server answers"
		       : job->fleet && job->fleet->bad.n
			       ? "what the remote cache has is not used"
			       : "the remote cache does not have it";
		sums->missing++;
	}
	if (text && !args->quiet)
		print_masked(stdout, "%s: %s%s\n", title, text, more ? more : "");
}

static int report(const struct arguments *args, const struct plan *p, struct error *err)
{
	struct fleet_counts counts = plan_count_fleet(p);
	_cleanup_free_ char *size = format_bytes(counts.bytes_in);
	struct sums sums = {0};

	for (size_t i = 0; i < p->n_jobs; i++)
		print_job(args, p->jobs[i], &sums);
	for (size_t i = 0; i < p->warnings.n; i++)
		print_warning("%s", p->warnings.items[i]);
	if (!args->quiet)
		printf("%zu pulled, %zu here already, %zu missing; %s received\n", sums.pulled,
			sums.here, sums.missing, size);
	if (sums.status)
		return error_set(err, -EIO, sums.status, "not everything could be looked for");
	return sums.missing ? error_set(err, -ENOENT, FLEET_MISS_STATUS,
				      "%zu of %zu builds are in neither cache", sums.missing,
				      sums.missing + sums.pulled + sums.here)
			    : 0;
}

/* Makes the plan use the remote cache; that it cannot is an error here. */
static int open_fleet(struct plan *p, struct error *err)
{
	plan_open_fleet(p);
	if (p->shared.fleet && p->shared.fleet->n_keys)
		return 0;
	if (!p->shared.fleet && p->warnings.n) {
		error_set(err, -ENOENT, 1, "%s", p->warnings.items[0]);
		p->warnings.n = 0;
		return -ENOENT;
	}
	return error_set(err, -ENOENT, 1, "there is no public key in %s",
		p->shared.settings->remote.keys);
}

static int run(struct arguments *args, struct cache *cache, struct error *err)
{
	struct plan plan;
	uv_loop_t loop;
	int r, signal;

	if (uv_loop_init(&loop) < 0)
		return error_set(err, -EMFILE, 1, "no jobs can be started");
	plan_init(&plan, &loop, &args->settings);
	plan_use_cache(&plan, cache);
	r = open_fleet(&plan, err);
	if (r == 0)
		r = cache_why_add_jobs(&plan, args, err);
	if (r == 0)
		r = plan_run(&plan, err);
	signal = plan.shared.stop.signal;
	plan_close_fleet(&plan);
	if (r == 0 && !signal)
		r = report(args, &plan, err);
	if (signal)
		r = error_set(err, -ECANCELED, 128 + signal, "interrupted");
	plan_free_fleet(plan.fleet);
	plan_done(&plan);
	uv_loop_close(&loop);
	return r;
}

int remote_pull(struct arguments *args, struct error *err)
{
	const struct settings *s = &args->settings;
	_cleanup_free_ char *problem = NULL;
	struct cache *cache;
	int r;

	cache = cache_open(s->cache.dir, s->cache.max_size_bytes, err);
	if (!cache)
		return -EIO;
	r = run(args, cache, err);
	problem = cache_take_problem(cache);
	if (problem)
		print_warning("cache: %s", problem);
	cache_close(cache);
	return r;
}
