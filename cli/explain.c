/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is a job going to do, and why? The text of --dry-run and --explain. */
#include "config.h"

#include "cache/cache.h"
#include "builder/build/build.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/reuse.h"
#include "cli/cache-miss.h"
#include "cli/explain.h"

/* What the cache contains for a build. */
struct cached {
	bool modules; /* all modules; nothing needs to be built */
	struct prediction objects; /* otherwise, the objects of another build */
};

/* Appends how the modules will be made: "restore", "link from KERNEL" or "build". */
static void add_build_method(struct str *s, const struct cached *cached)
{
	const struct prediction *o = &cached->objects;

	if (cached->modules)
		str_add(s, "restore");
	else if (o->n && o->n_valid == o->n)
		str_addf(s, "link from %s", o->from);
	else
		str_add(s, "build");
}

/* Returns the words for what a job does after building: "install"; "" if it only builds;
 * NULL if such jobs are not explained. */
static const char *action_name(const struct job *job)
{
	switch (job->kind) {
	case JOB_ADD:
		return "add";
	case JOB_BUILD:
		return "";
	case JOB_INSTALL:
		return "install";
	case JOB_UNINSTALL:
		return "uninstall";
	case JOB_UNBUILD:
		return job->outcome.state_before >= STATE_INSTALLED_WEAK
			       ? "uninstall, unbuild"
			       : "unbuild";
	case JOB_SIGN:
		return "sign";
	case JOB_FORGET:
		return "remove from the dkms tree, unless it is built for other kernels";
	case JOB_EVALUATE:
	case JOB_EXPLAIN:
	case JOB_PACK:
	case JOB_DEPMOD:
		break;
	}
	return NULL;
}

static bool will_build(const struct job *job)
{
	return job->kind == JOB_BUILD ||
	       (job->kind == JOB_INSTALL &&
		       (job->outcome.state_before < STATE_BUILT || job->request.stale));
}

/* Whether the cache may be used for the build and the key of its entry is known. */
static bool is_key_known(const struct job *job)
{
	return job->shared->cache && job->build && job->reuse->key.n_parts &&
	       !job->shared->settings->switches.force;
}

/* Whether the cache may be used, but not for this build; fingerprint_find_obstacle() says
 * why. */
static bool is_uncached(const struct job *job)
{
	return job->shared->cache && job->build && !job->reuse->key.n_parts &&
	       !job->shared->settings->switches.force && fingerprint_find_obstacle(job);
}

/* Looks up what the cache has for the build; leaves ret empty if its key is not known. */
static void find_cached(const struct job *job, struct cached *ret)
{
	struct manifest m = {0};
	struct entry e;

	if (!is_key_known(job))
		return;
	ret->modules = cached_find(job, &e, &m);
	manifest_done(&m);
	if (ret->modules)
		entry_done(&e);
	else
		cache_miss_predict(job->shared->cache, job, &ret->objects);
}

/* Appends why the cache cannot serve the whole build. */
static void add_miss_reason(struct str *s, const struct job *job, const struct cached *cached)
{
	const struct prediction *o = &cached->objects;
	_cleanup_free_ char *line = NULL;

	if (o->n) {
		str_addf(s, "; %zu of %zu objects valid", o->n_valid, o->n);
	} else {
		line = cache_miss_describe(job->shared->cache, job);
		str_addf(s, "; %s", line);
	}
	if (o->differences.n)
		str_addf(s, "; %s%s", o->n ? "not " : "no objects: ", o->differences.items[0]);
	if (o->differences.n > 1)
		str_addf(s, " and %zu more", o->differences.n - 1);
}

/* Appends why the job has something to do, what the cache has for it, and which modules
 * it waits for: "not built for this kernel; in the cache; after evdi". */
static void add_reason(struct str *s, const struct job *job, const struct cached *cached)
{
	if (!job_builds(job))
		return;
	if (job->outcome.state_before < STATE_BUILT)
		str_add(s, "not built for this kernel");
	else if (job->request.stale)
		str_addf(s, "stale: %s", job->request.stale);
	else if (job->request.reinstall)
		str_add(s, "installed, but files are gone from the kernel's directory");
	else if (job->outcome.state_before >= STATE_INSTALLED_WEAK ||
		 job->kind == JOB_BUILD)
		str_add(s, "--force");
	else
		str_add(s, "built, not installed");
	if (cached->modules)
		str_add(s, "; in the cache");
	else if (is_key_known(job))
		add_miss_reason(s, job, cached);
	else if (is_uncached(job))
		str_addf(s, "; not cached: %s", fingerprint_find_obstacle(job));
	for (size_t i = 0; job->conf && i < job->conf->build_depends.n; i++)
		str_addf(s, "%s%s", i ? ", " : "; after ", job->conf->build_depends.items[i]);
}

char *explain_job(const struct job *job, bool why)
{
	struct str s = {0};
	_cleanup_(str_done) struct str reason = {0};
	struct cached cached = {0};

	if (!action_name(job))
		return NULL;
	switch (job->outcome.result) {
	case RESULT_NOTHING:
		str_addf(&s, "nothing, %s", tree_state_name(job->outcome.state_before));
		break;
	case RESULT_EXCLUDED:
		str_add(&s, "excluded");
		if (why)
			str_add(&reason, job_why_excluded(job));
		break;
	case RESULT_BLOCKED:
		str_addf(&s, "nothing: %s", job->outcome.error.what);
		break;
	case RESULT_NONE:
	case RESULT_DONE:
		if (why)
			find_cached(job, &cached);
		if (will_build(job))
			add_build_method(&s, &cached);
		str_addf(&s, "%s%s", s.len && *action_name(job) ? ", " : "", action_name(job));
		if (why)
			add_reason(&reason, job, &cached);
		prediction_done(&cached.objects);
		break;
	case RESULT_FAILED:
	case RESULT_STOPPED:
		return NULL;
	}
	if (reason.len)
		str_addf(&s, " (%s)", reason.data);
	return str_take(&s);
}
