/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ran when?
 *
 * The Trace Event format is a JSON array of objects. Each job, and each of its phases, is a
 * "complete" event ("ph":"X") with its start and its duration in microseconds. Viewers also
 * accept an array without the closing bracket, so the trace of a run that was killed can be
 * opened too. */
#include "config.h"

#include <errno.h>

#include "base/output-file.h"
#include "cli/json.h"
#include "cli/run-json.h"
#include "cli/trace.h"

struct trace {
	FILE *out;
	char *path;
	const struct job **rows; /* the job that runs in each row, or NULL */
	size_t n_rows;
	bool begun;  /* the opening bracket has been written */
	bool failed; /* something could not be written */
};

int trace_open(const char *path, struct trace **ret, struct error *err)
{
	FILE *out = output_open(path, err);
	struct trace *t;

	if (!out)
		return -EIO;
	t = xcalloc(1, sizeof(*t));
	t->out = out;
	t->path = xstrdup(path);
	*ret = t;
	return 0;
}

int trace_close(struct trace *t, struct error *err)
{
	int r = 0;

	if (!t)
		return 0;
	if (fputs(t->begun ? "\n]\n" : "[]\n", t->out) == EOF)
		t->failed = true;
	if (fclose(t->out) != 0 || t->failed)
		r = error_set(err, -EIO, 1, "cannot write all of the trace to %s", t->path);
	free(t->path);
	free(t->rows);
	free(t);
	return r;
}

/* Writes j as an element of the array, and frees it. */
static void write_event(struct trace *t, json_t *j)
{
	if (fputs(t->begun ? ",\n" : "[\n", t->out) == EOF ||
		json_dumpf(j, t->out,
			JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15)) < 0)
		t->failed = true;
	t->begun = true;
	json_decref(j);
}

static json_t *event_new(const char *phase, const char *name, size_t row)
{
	json_t *j = json_object();

	json_object_set_new(j, "ph", json_text(phase));
	json_object_set_new(j, "name", json_text(name));
	json_object_set_new(j, "pid", json_integer(1));
	json_object_set_new(j, "tid", json_integer((json_int_t)row + 1));
	return j;
}

static void write_row_name(struct trace *t, size_t row)
{
	_cleanup_free_ char *name = xasprintf("slot %zu", row + 1);
	json_t *j = event_new("M", "thread_name", row), *args = json_object();

	json_object_set_new(args, "name", json_text(name));
	json_object_set_new(j, "args", args);
	write_event(t, j);
}

/* Returns the row in which the job runs; for NULL, a free row, adding one if necessary. */
static size_t find_row(struct trace *t, const struct job *job)
{
	for (size_t i = 0; i < t->n_rows; i++)
		if (t->rows[i] == job)
			return i;
	t->rows = xrealloc_array(t->rows, t->n_rows + 1, sizeof(*t->rows));
	t->rows[t->n_rows] = NULL;
	write_row_name(t, t->n_rows);
	return t->n_rows++;
}

static void write_span(struct trace *t, const struct events *e, json_t *j, uint64_t began_ns,
	uint64_t wall_ns)
{
	json_object_set_new(j, "ts", json_real((double)(began_ns - e->began_ns) / 1e3));
	json_object_set_new(j, "dur", json_real((double)wall_ns / 1e3));
	write_event(t, j);
}

static void write_job(struct trace *t, const struct events *e, const struct job *job,
	size_t row)
{
	_cleanup_free_ char *name = NULL;
	json_t *j, *args = json_object();

	if (job->name)
		name = xasprintf("%s/%s %s", job->name, job->version ? job->version : "",
			job_kernel(job) ? job->kernel->release : "");
	else
		name = xasprintf("%s %s", job_kind_name(job->kind),
			job->kernel ? job->kernel->release : "");
	j = event_new("X", name, row);
	json_object_set_new(j, "cat", json_text(job_kind_name(job->kind)));
	json_set_job(args, job);
	json_set_result(args, job);
	json_object_set_new(j, "args", args);
	write_span(t, e, j, job->outcome.began_ns,
		job->outcome.ended_ns - job->outcome.began_ns);
	for (size_t i = 0; i < job->outcome.n_phases; i++) {
		const struct job_phase *p = &job->outcome.phases[i];

		j = event_new("X", job_state_name(p->state), row);
		json_object_set_new(j, "cat", json_text("phase"));
		args = json_object();
		json_set_usage(args, p->wall_ns, p->cpu_ns, p->max_rss_bytes);
		json_object_set_new(j, "args", args);
		write_span(t, e, j, p->began_ns, p->wall_ns);
	}
}

/* Writes what a remote cache had, as an event of the whole run at its end. */
static void write_remote(struct trace *t, const struct events *e)
{
	json_t *j = event_new("i", "remote cache", 0);

	json_object_set_new(j, "s", json_text("g"));
	json_object_set_new(j, "ts", json_real((double)(uv_hrtime() - e->began_ns) / 1e3));
	json_object_set_new(j, "args", run_json_remote(e->plan));
	write_event(t, j);
}

static void on_event(void *userdata, const struct events *e, enum event event,
	const struct job *job)
{
	struct trace *t = userdata;
	size_t row;

	if (event == EVENT_OVER && e->plan->fleet) {
		write_remote(t, e);
	} else if (event == EVENT_STARTED) {
		row = find_row(t, NULL);
		t->rows[row] = job;
	} else if (event == EVENT_ENDED) {
		row = find_row(t, job);
		t->rows[row] = NULL;
		write_job(t, e, job, row);
	}
}

struct listener trace_listener(struct trace *trace)
{
	return (struct listener){on_event, trace};
}
