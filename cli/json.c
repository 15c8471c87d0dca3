/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a job written as JSON? */
#include "config.h"

#include <time.h>

#include "builder/reuse/fleet.h"
#include "scheduler/plan.h"
#include "cli/json.h"

void json_print(const json_t *j, FILE *out)
{
	json_dumpf(j, out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', out);
}

json_t *json_seconds(uint64_t a_ns, uint64_t b_ns)
{
	uint64_t us = b_ns > a_ns ? (b_ns - a_ns) / 1000 : 0;

	return json_real((double)us / 1e6);
}

void json_set_job(json_t *object, const struct job *job)
{
	const struct kernel *k = job_kernel(job);

	json_object_set_new(object, "kind", json_text(job_kind_name(job->kind)));
	json_object_set_new(object, "module", json_text(job->name));
	json_object_set_new(object, "version", json_text(job->version));
	json_object_set_new(object, "kernel", json_text(k ? k->release : NULL));
	json_object_set_new(object, "arch", json_text(k ? k->arch : NULL));
	if (job->request.stale)
		json_object_set_new(object, "stale", json_text(job->request.stale));
}

/* The exit status that dkms would return if this were its only job. */
static int job_status(const struct job *job)
{
	if (job->outcome.result == RESULT_EXCLUDED)
		return 77;
	if (job_succeeded(job))
		return 0;
	return job->outcome.error.status ? job->outcome.error.status : 1;
}

void json_set_usage(json_t *object, uint64_t wall_ns, uint64_t cpu_ns, uint64_t max_rss_bytes)
{
	json_object_set_new(object, "wall_s", json_seconds(0, wall_ns));
	json_object_set_new(object, "cpu_s", json_seconds(0, cpu_ns));
	json_object_set_new(object, "max_rss_bytes",
		max_rss_bytes ? json_integer((json_int_t)max_rss_bytes) : json_null());
}

json_t *json_when(int64_t seconds)
{
	time_t when = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_text(text);
}

int64_t json_when_seconds(const json_t *when)
{
	const char *text = json_string_value(when);
	struct tm tm = {0};

	return text && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) ? timegm(&tm) : 0;
}

void json_set_log(json_t *object, const char *log, int64_t when_s,
	const struct buildlog_summary *summary)
{
	int status = summary ? summary->exit_status : -1;
	json_object_set_new(object, "phase", json_text(summary ? summary->phase : NULL));
	json_object_set_new(
		object, "exit_status", status < 0 ? json_null() : json_integer(status));
	json_object_set_new(object, "error", json_text(summary ? summary->error : NULL));
	json_object_set_new(object, "log", json_text(log));
	json_object_set_new(object, "when", json_when(when_s));
}

json_t *json_phases(uint64_t began_ns, const struct job *job)
{
	json_t *list = json_array();

	for (size_t i = 0; i < job->outcome.n_phases; i++) {
		const struct job_phase *p = &job->outcome.phases[i];
		json_t *j = json_object();

		json_object_set_new(j, "phase", json_text(job_state_name(p->state)));
		json_object_set_new(j, "start_s", json_seconds(began_ns, p->began_ns));
		json_set_usage(j, p->wall_ns, p->cpu_ns, p->max_rss_bytes);
		json_object_set_new(j, "exit_status",
			p->exit_status < 0 ? json_null() : json_integer(p->exit_status));
		json_array_append_new(list, j);
	}
	return list;
}

/* Whether the cache had the build: "hit" or "miss"; NULL if the cache was not used. */
static const char *cache_result(const struct job *job)
{
	if (job->outcome.restored)
		return "hit";
	return job->outcome.cache_missed ? "miss" : NULL;
}

void json_set_result(json_t *object, const struct job *job)
{
	const char *why = job->outcome.error.what;

	if (job->outcome.result == RESULT_EXCLUDED)
		why = job_why_excluded(job);
	json_object_set_new(
		object, "result", json_text(job_result_name(job->outcome.result)));
	json_object_set_new(object, "status", json_integer(job_status(job)));
	json_object_set_new(object, "failed_in", json_text(job->outcome.failed_in));
	json_object_set_new(object, "error", json_text(why));
	json_object_set_new(object, "remedy", json_text(job->outcome.error.remedy));
	json_object_set_new(
		object, "on_failure", json_text(job_may_fail(job) ? "warn" : "fail"));
	json_object_set_new(object, "log", json_text(job->outcome.log_path));
	json_object_set_new(object, "archive", json_text(job_archive(job)));
	json_object_set_new(object, "built", json_boolean(job->outcome.built));
	json_object_set_new(object, "installed", json_boolean(job->outcome.installed));
	json_object_set_new(object, "cache", json_text(cache_result(job)));
	json_object_set_new(object, "remote", json_text(fleet_result_word(job)));
	json_object_set_new(object, "signers", json_text(job->outcome.signers));
	json_object_set_new(object, "linked_from", json_text(job->outcome.linked_from));
	json_object_set_new(object, "signed_again", json_boolean(job->outcome.signed_again));
	json_object_set_new(object, "compiler_warnings",
		json_integer((json_int_t)job->outcome.compiler_warnings));
	json_object_set_new(object, "not_kept", json_text(job->outcome.not_kept));
	json_set_usage(object,
		job->outcome.ended_ns > job->outcome.began_ns
			? job->outcome.ended_ns - job->outcome.began_ns
			: 0,
		job_cpu_ns(job), job_max_rss_bytes(job));
}
