/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does --events write? A JSON object on a line for each event, as soon as it happens. */
#include "config.h"

#include <errno.h>

#include "base/output-file.h"
#include "scheduler/plan-slots.h"
#include "cli/eventlog.h"
#include "cli/json.h"
#include "cli/run-json.h"

/* New keys and events may appear under the same number. The number is increased when a key or
 * an event changes its meaning or is removed. */
#define SCHEMA "dkms-events-1"

struct eventlog {
	FILE *out;
	char *path;
	bool begun;  /* the line "begin" has been written */
	bool failed; /* a line could not be written */
};

int eventlog_open(const char *path, struct eventlog **ret, struct error *err)
{
	FILE *out = streq(path, "-") ? stdout : output_open(path, err);
	struct eventlog *log;

	if (!out)
		return -EIO;
	log = xcalloc(1, sizeof(*log));
	log->out = out;
	log->path = xstrdup(path);
	*ret = log;
	return 0;
}

int eventlog_close(struct eventlog *log, struct error *err)
{
	int r = 0;

	if (!log)
		return 0;
	if ((log->out != stdout && fclose(log->out) != 0) || log->failed)
		r = error_set(err, -EIO, 1, "cannot write all events to %s", log->path);
	free(log->path);
	free(log);
	return r;
}

static json_t *event_new(const struct events *e, const char *name)
{
	json_t *j = json_object();

	json_object_set_new(j, "event", json_text(name));
	json_object_set_new(j, "t", json_seconds(e->began_ns, uv_hrtime()));
	return j;
}

/* Writes j as a line, and frees it. */
static void write_line(struct eventlog *log, json_t *j)
{
	if (json_dumpf(j, log->out,
		    JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15)) < 0 ||
		fputc('\n', log->out) == EOF || fflush(log->out) != 0)
		log->failed = true;
	json_decref(j);
}

static void write_begin(struct eventlog *log, const struct events *e)
{
	json_t *j = event_new(e, "begin");

	log->begun = true;
	json_object_set_new(j, "schema", json_text(SCHEMA));
	json_object_set_new(j, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(j, "command", json_text(e->command));
	json_object_set_new(j, "slots", json_integer(plan_count_slots(e->plan)));
	write_line(log, j);
}

static void on_event(void *userdata, const struct events *e, enum event event,
	const struct job *job)
{
	static const char *const names[] = {[EVENT_STARTED] = "job-started",
		[EVENT_STEPPED] = "phase", [EVENT_ENDED] = "job-ended",
		[EVENT_BLOCKED] = "job-ended", [EVENT_OVER] = "end"};
	struct eventlog *log = userdata;
	json_t *j;

	if (!log->begun)
		write_begin(log, e);
	j = event_new(e, names[event]);
	if (event == EVENT_OVER) {
		json_object_set_new(j, "status", json_integer(e->status));
		json_object_set_new(j, "remote", run_json_remote(e->plan));
		write_line(log, j);
		return;
	}
	json_object_set_new(j, "job", json_integer((json_int_t)job->number));
	json_object_set_new(j, "jobs", json_integer((json_int_t)e->plan->n_jobs));
	json_set_job(j, job);
	if (event == EVENT_STEPPED)
		json_object_set_new(j, "phase", json_text(job_state_name(job->state)));
	if (event == EVENT_ENDED || event == EVENT_BLOCKED) {
		json_set_result(j, job);
		json_object_set_new(j, "phases", json_phases(e->began_ns, job));
	}
	write_line(log, j);
}

struct listener eventlog_listener(struct eventlog *log)
{
	return (struct listener){on_event, log};
}
