/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a job will do, and why. */
#include "config.h"

#include "builder/build.h"
#include "cache/cache.h"
#include "cli/explain.h"
#include "cli/why.h"

/* cached: the cache has what would be built. */
static const char *verb(const struct job *job, bool cached)
{
	switch (job->kind) {
	case JOB_ADD:
		return "add";
	case JOB_BUILD:
		return cached ? "restore" : "build";
	case JOB_INSTALL:
		return job->was >= STATE_BUILT ? "install" : cached ? "restore, install" : "build, install";
	case JOB_UNINSTALL:
		return "uninstall";
	case JOB_UNBUILD:
		return job->was >= STATE_INSTALLED_WEAK ? "uninstall, unbuild" : "unbuild";
	case JOB_FORGET:
		return "forget, unless it is built for other kernels";
	case JOB_EVALUATE:
	case JOB_EXPLAIN:
	case JOB_PACK:
	case JOB_DEPMOD:
		break;
	}
	return NULL;
}

/* Has a dry run found out what a build depends on, and may the cache serve it? */
static bool is_key_known(const struct job *job)
{
	return job->shared->cache && job->build && job->build->key.n_parts &&
	       !job->shared->settings->force;
}

static bool is_cached(const struct job *job)
{
	struct digest key;
	struct entry e;

	if (!is_key_known(job))
		return false;
	key_digest(&job->build->key, &key);
	if (store_get_entry(cache_store(job->shared->cache), &key, &e) <= 0)
		return false;
	entry_done(&e);
	return true;
}

/* "not built for this kernel; in the cache; after evdi": why it is not nothing, what it will
 * be made from, and what it waits for. */
static void add_why(struct str *s, const struct job *job, bool cached)
{
	if (!job_builds(job))
		return;
	if (job->was < STATE_BUILT)
		str_add(s, "not built for this kernel");
	else if (job->was >= STATE_INSTALLED_WEAK || job->kind == JOB_BUILD)
		str_add(s, "--force");
	else
		str_add(s, "built, not installed");
	if (cached) {
		str_add(s, "; in the cache");
	} else if (is_key_known(job)) {
		_cleanup_free_ char *line = why_line(job->shared->cache, job);

		str_addf(s, "; %s", line);
	}
	for (size_t i = 0; job->conf && i < job->conf->build_depends.n; i++)
		str_addf(s, "%s%s", i ? ", " : "; after ", job->conf->build_depends.items[i]);
}

char *explain_job(const struct job *job, bool why)
{
	struct str s = {0};
	_cleanup_(str_done) struct str reason = {0};
	bool cached = why && is_cached(job);

	if (!verb(job, cached))
		return NULL;
	switch (job->result) {
	case RESULT_NOTHING:
		str_addf(&s, "nothing, %s", state_name(job->was));
		break;
	case RESULT_EXCLUDED:
		str_add(&s, "excluded");
		if (why)
			str_add(&reason, job->conf->excluded);
		break;
	case RESULT_BLOCKED:
		str_addf(&s, "nothing: %s", job->error.what);
		break;
	case RESULT_NONE:
	case RESULT_DONE:
		str_add(&s, verb(job, cached));
		if (why)
			add_why(&reason, job, cached);
		break;
	case RESULT_FAILED:
	case RESULT_STOPPED:
		return NULL;
	}
	if (reason.len)
		str_addf(&s, " (%s)", reason.data);
	return str_take(&s);
}
