/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of a run, as --json prints it at the end? */
#include "config.h"

#include "scheduler/plan-fleet.h"
#include "scheduler/plan-slots.h"
#include "cli/json.h"
#include "cli/log-tail.h"
#include "cli/run-json.h"

/* New keys may appear under the same number. The number is increased when a key changes its
 * meaning or is removed. */
#define SCHEMA "dkms-run-1"

/* Returns the end of the log of a job that failed, as long as those of all jobs are not too long; or null. */
static json_t *tail_json(const struct job *job, size_t *total)
{
	bool failed = job->outcome.result == RESULT_FAILED;
	json_t *tail = failed ? log_tail_read(job->outcome.log_path) : json_null();

	if (*total + json_string_length(tail) > LOG_TAILS_MAX) {
		json_decref(tail);
		return json_null();
	}
	*total += json_string_length(tail);
	return tail;
}

static json_t *job_json(const struct events *e, const struct job *job, size_t *tails)
{
	json_t *j = json_object(), *warnings = json_array();

	json_set_job(j, job);
	json_set_result(j, job);
	json_object_set_new(j, "log_tail", tail_json(job, tails));
	json_object_set_new(j, "start_s",
		job->outcome.began_ns ? json_seconds(e->began_ns, job->outcome.began_ns)
				      : json_null());
	json_object_set_new(j, "phases", json_phases(e->began_ns, job));
	for (size_t i = 0; i < job->outcome.warnings.n; i++)
		json_array_append_new(
			warnings, json_text(job->outcome.warnings.items[i]));
	for (size_t i = 0; i < job->outcome.notices.n; i++)
		json_array_append_new(warnings, json_text(job->outcome.notices.items[i]));
	json_object_set_new(j, "warnings", warnings);
	return j;
}

json_t *run_json_remote(const struct plan *p)
{
	struct fleet_counts n = plan_count_fleet(p);
	json_t *j;

	if (!p->fleet)
		return json_null();
	j = json_object();
	json_object_set_new(j, "hits", json_integer((json_int_t)n.hits));
	json_object_set_new(j, "misses", json_integer((json_int_t)n.misses));
	json_object_set_new(j, "bad", json_integer((json_int_t)n.bad));
	json_object_set_new(j, "pushed", json_integer((json_int_t)n.pushed));
	json_object_set_new(j, "bytes_in", json_integer((json_int_t)n.bytes_in));
	json_object_set_new(j, "bytes_out", json_integer((json_int_t)n.bytes_out));
	json_object_set_new(j, "waited_s", json_seconds(0, n.wait_ns));
	return j;
}

bool run_json_is_work(const json_t *job)
{
	const char *kind = json_string_value(json_object_get(job, "kind"));
	const char *result = json_string_value(json_object_get(job, "result"));

	return !kind || !result || !streq(kind, "evaluate") ||
	       (!streq(result, "done") && !streq(result, "nothing"));
}

json_t *run_json_make(const struct events *e, const struct error *err)
{
	json_t *root = json_object(), *jobs = json_array();
	size_t tails = 0;

	json_object_set_new(root, "schema", json_text(SCHEMA));
	json_object_set_new(root, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(root, "command", json_text(e->command));
	json_object_set_new(root, "slots", json_integer(plan_count_slots(e->plan)));
	json_object_set_new(root, "status", json_integer(e->status));
	json_object_set_new(root, "error", json_text(err->what));
	json_object_set_new(root, "remedy", json_text(err->remedy));
	json_object_set_new(root, "wall_s", json_seconds(e->began_ns, uv_hrtime()));
	json_object_set_new(root, "remote", run_json_remote(e->plan));
	json_object_set_new(root, "jobs", jobs);
	for (size_t i = 0; i < e->plan->n_jobs; i++)
		json_array_append_new(jobs, job_json(e, e->plan->jobs[i], &tails));
	return root;
}
