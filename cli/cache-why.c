/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a build in the cache, and if not, why? */
#include "config.h"

#include <errno.h>

#include "cache/cache.h"
#include "builder/host/kernel.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/objects.h"
#include "builder/reuse/reuse.h"
#include "builder/steps/check-needed.h"
#include "scheduler/plan-run.h"
#include "cli/cache-miss.h"
#include "cli/cache-why.h"
#include "cli/print.h"
#include "cli/words.h"

/* Prints the lines of the cached make.log that say which objects came from the cache, and
 * why others did not. */
static void print_objects_note(struct cache *cache, const struct entry *e)
{
	const struct entry_file *log = entry_file(e, "make.log");
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;

	if (!log || store_get_bytes(cache_store(cache), &log->digest, &text) < 0)
		return;
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		if (has_prefix(line, OBJECTS_NOTE))
			printf("  %s\n", line + strlen("# "));
}

/* Prints what is known about the build of a job that has been run. Returns the exit
 * status. */
static int print_answer(struct cache *cache, const struct job *job)
{
	_cleanup_free_ char *title = job_title(job);
	struct entry e;
	struct digest digest;
	int r;

	if (job->outcome.result == RESULT_EXCLUDED) {
		printf("%s: excluded: %s\n", title, job->conf->excluded);
		return 0;
	}
	if (job->outcome.result != RESULT_DONE) {
		print_error(&job->outcome.error);
		return job->outcome.error.status;
	}
	if (!job->reuse->key.n_parts) {
		printf("%s: not cached: %s\n", title, fingerprint_find_obstacle(job));
		return 0;
	}
	key_digest(&job->reuse->key, &digest);
	r = store_get_entry(cache_store(cache), &digest, &e);
	if (r > 0) {
		_cleanup_free_ char *day = format_day(e.made_s);
		_cleanup_free_ char *time = format_seconds((double)e.cost_ms / 1000);

		printf("%s: in the cache, built on %s in %s\n", title, day, time);
		print_objects_note(cache, &e);
		entry_done(&e);
	} else {
		cache_miss_print(cache, job, title);
	}
	return 0;
}

int cache_why(struct cache *cache, struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *own_arch = kernel_running_arch();
	const struct settings *s = &args->settings;
	struct job *job;
	struct plan plan;
	uv_loop_t loop;
	int status = 1;

	if (is_empty(args->name) || is_empty(args->version)) {
		error_set(&err, -EINVAL, 1, "cache why needs a module and its version");
		error_remedy(&err, "dkms cache why NAME/VERSION -k KVER");
		print_error(&err);
		return 1;
	}
	if (check_added(s, args->name, args->version, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	uv_loop_init(&loop);
	plan_init(&plan, &loop, s);
	plan_use_cache(&plan, cache);
	job = plan_add_job(&plan, JOB_EXPLAIN,
		plan_get_kernel(&plan, args->kernels.n ? args->kernels.items[0] : running,
			args->archs.n ? args->archs.items[0] : own_arch),
		args->name, args->version);
	if (plan_run(&plan, &err) == 0)
		status = print_answer(cache, job);
	else
		print_error(&err);
	plan_done(&plan);
	uv_loop_close(&loop);
	return status;
}
