/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a job will do, and why. */
#include "config.h"

#include "cache/cache.h"
#include "builder/build/build.h"
#include "builder/reuse/fingerprint.h"
#include "builder/reuse/reuse.h"
#include "cli/cache-miss.h"
#include "cli/explain.h"

/* What the cache has for a build. */
struct source {
	bool cached; /* all that would be built */
	struct foretold objects;
};

/* "restore", "link from KERNEL" or "build". */
static void add_building(struct str *s, const struct source *from)
{
	const struct foretold *o = &from->objects;

	if (from->cached)
		str_add(s, "restore");
	else if (o->n && o->valid == o->n)
		str_addf(s, "link from %s", o->from);
	else
		str_add(s, "build");
}

/* Other than building, which comes first. */
static const char *verb(const struct job *job)
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

static bool will_build(const struct job *job)
{
	return job->kind == JOB_BUILD ||
	       (job->kind == JOB_INSTALL && job->outcome.state_before < STATE_BUILT);
}

/* Has a dry run found out what a build depends on, and may the cache serve it? */
static bool is_key_known(const struct job *job)
{
	return job->shared->cache && job->build && job->reuse->key.n_parts &&
	       !job->shared->settings->switches.force;
}

/* Or that it may not? */
static bool is_uncached(const struct job *job)
{
	return job->shared->cache && job->build && !job->reuse->key.n_parts &&
	       !job->shared->settings->switches.force && fingerprint_obstacle(job);
}

static void find_source(const struct job *job, struct source *ret)
{
	struct digest key;
	struct entry e;

	if (!is_key_known(job))
		return;
	key_digest(&job->reuse->key, &key);
	ret->cached = store_peek_entry(cache_store(job->shared->cache), &key, &e) > 0;
	if (ret->cached)
		entry_done(&e);
	else
		cache_miss_foretell(job->shared->cache, job, &ret->objects);
}

/* Why the cache has not all of it. */
static void add_lack(struct str *s, const struct job *job, const struct source *from)
{
	const struct foretold *o = &from->objects;
	_cleanup_free_ char *line = NULL;

	if (o->n) {
		str_addf(s, "; %zu of %zu objects valid", o->valid, o->n);
	} else {
		line = cache_miss_describe(job->shared->cache, job);
		str_addf(s, "; %s", line);
	}
	if (o->differences.n)
		str_addf(s, "; %s%s", o->n ? "not " : "no objects: ", o->differences.items[0]);
	if (o->differences.n > 1)
		str_addf(s, " and %zu more", o->differences.n - 1);
}

/* "not built for this kernel; in the cache; after evdi": why it is not nothing, what it will
 * be made from, and what it waits for. */
static void add_why(struct str *s, const struct job *job, const struct source *from)
{
	if (!job_builds(job))
		return;
	if (job->outcome.state_before < STATE_BUILT)
		str_add(s, "not built for this kernel");
	else if (job->outcome.state_before >= STATE_INSTALLED_WEAK ||
		 job->kind == JOB_BUILD)
		str_add(s, "--force");
	else
		str_add(s, "built, not installed");
	if (from->cached)
		str_add(s, "; in the cache");
	else if (is_key_known(job))
		add_lack(s, job, from);
	else if (is_uncached(job))
		str_addf(s, "; not cached: %s", fingerprint_obstacle(job));
	for (size_t i = 0; job->conf && i < job->conf->build_depends.n; i++)
		str_addf(s, "%s%s", i ? ", " : "; after ", job->conf->build_depends.items[i]);
}

char *explain_job(const struct job *job, bool why)
{
	struct str s = {0};
	_cleanup_(str_done) struct str reason = {0};
	struct source from = {0};

	if (!verb(job))
		return NULL;
	switch (job->outcome.result) {
	case RESULT_NOTHING:
		str_addf(&s, "nothing, %s", tree_state_name(job->outcome.state_before));
		break;
	case RESULT_EXCLUDED:
		str_add(&s, "excluded");
		if (why)
			str_add(&reason, job->conf->excluded);
		break;
	case RESULT_BLOCKED:
		str_addf(&s, "nothing: %s", job->outcome.error.what);
		break;
	case RESULT_NONE:
	case RESULT_DONE:
		if (why)
			find_source(job, &from);
		if (will_build(job))
			add_building(&s, &from);
		str_addf(&s, "%s%s", s.len && *verb(job) ? ", " : "", verb(job));
		if (why)
			add_why(&reason, job, &from);
		foretold_done(&from.objects);
		break;
	case RESULT_FAILED:
	case RESULT_STOPPED:
		return NULL;
	}
	if (reason.len)
		str_addf(&s, " (%s)", reason.data);
	return str_take(&s);
}
