/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of a plan of which several machines did a part each? */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json-text.h"
#include "cli/annotations.h"
#include "cli/json.h"
#include "cli/merge.h"
#include "cli/page.h"
#include "cli/print.h"
#include "cli/run-json.h"

#define SCHEMA "dkms-run-1"
/* A larger file is no document of a run (bytes). */
#define DOCUMENT_MAX (256 * 1024 * 1024)

/* The documents, and what they have in common. */
struct merge {
	json_t *jobs;	/* an object: the newest job of each cell */
	json_t *order;	/* the names of the cells, in the order of their first job */
	json_t *cells;	/* an object: the cells that the parts have, with their state */
	json_t *parts;	/* an object: the numbers of the parts that are there */
	json_t *id, *n; /* of the plan, or NULL before the first part; borrowed from a document */
	json_t *documents;
	json_t *gaps;	/* a list of texts */
	int status;
	double wall_s;
	json_int_t slots;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Returns a text that names the cell of a job or of a plan; the caller frees. */
static char *name_cell(const json_t *j)
{
	return xasprintf("%s/%s for %s, %s", text_of(j, "module"), text_of(j, "version"),
		text_of(j, "kernel"), text_of(j, "arch"));
}

/* Takes the part of a plan that a document is about. */
static int add_part(struct merge *m, const char *path, json_t *plan, struct error *err)
{
	_cleanup_free_ char *number =
		xasprintf("%lld", (long long)json_integer_value(json_object_get(plan, "shard")));
	json_t *cell;
	size_t i;

	if (!m->id) {
		m->id = json_object_get(plan, "id");
		m->n = json_object_get(plan, "shards");
	}
	if (!json_equal(m->id, json_object_get(plan, "id")) ||
		!json_equal(m->n, json_object_get(plan, "shards"))) {
		error_set(err, -EINVAL, 2, "%s is about another plan, or another number of parts, than the "
					   "files before it", path);
		error_remedy(err, "merge only documents of runs with the same --plan and --shard I/N");
		return -EINVAL;
	}
	json_object_set_new(m->parts, number, json_true());
	json_array_foreach(json_object_get(plan, "cells"), i, cell) {
		_cleanup_free_ char *name = name_cell(cell);

		json_object_set(m->cells, name, cell);
	}
	return 0;
}

/* Returns the key of a job of that kind for a cell; the caller frees. */
static char *name_job(const char *kind, const json_t *cell)
{
	_cleanup_free_ char *name = name_cell(cell);

	return xasprintf("%s of %s", kind, name);
}

static void add_job(struct merge *m, json_t *job)
{
	_cleanup_free_ char *name = name_job(text_of(job, "kind"), job);

	if (!json_object_get(m->jobs, name))
		json_array_append_new(m->order, json_string(name));
	json_object_set(m->jobs, name, job);
}

/* Reads a document, and adds it. A later one of the same part takes the place of an earlier one. */
static int add_document(struct merge *m, const char *path, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	int r = file_read(path, DOCUMENT_MAX, &text, NULL);
	json_t *root, *plan, *job;
	double wall_s;
	size_t i;

	if (r < 0)
		return error_errno(err, r, 2, "cannot read %s", path);
	root = json_loadb(text.data, text.len, 0, NULL);
	if (!root || !streq(text_of(root, "schema"), SCHEMA)) {
		error_set(err, -EBADMSG, 2, root ? "%s is no document of a run: its schema is not " SCHEMA
						 : "%s is damaged: it is no JSON document", path);
		error_remedy(err, "dkms autoinstall --plan PLAN --shard I/N --json > %s", path);
		json_decref(root);
		return -EBADMSG;
	}
	json_array_append_new(m->documents, root);
	plan = json_object_get(root, "plan");
	if (json_is_object(plan) && add_part(m, path, plan, err) < 0)
		return -EINVAL;
	json_array_foreach(json_object_get(root, "jobs"), i, job)
		if (run_json_is_work(job))
			add_job(m, job);
	wall_s = json_number_value(json_object_get(root, "wall_s"));
	m->wall_s = wall_s > m->wall_s ? wall_s : m->wall_s;
	m->slots += json_integer_value(json_object_get(root, "slots"));
	if (json_is_string(json_object_get(root, "error")))
		json_array_append(m->gaps, json_object_get(root, "error"));
	return 0;
}

/* Whether the cell came to an end: it has a job with a result, or there was nothing to do. */
static bool is_done(const struct merge *m, const json_t *cell)
{
	static const char *const kinds[] = {"install", "build"};
	const char *state = text_of(cell, "state");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_free_ char *key = name_job(kinds[i], cell);
		const char *result = text_of(json_object_get(m->jobs, key), "result");

		if (*result && !streq(result, "none") && !streq(result, "stopped"))
			return true;
	}
	return streq(state, "built") || streq(state, "installed") || streq(state, "installed-weak");
}

/* Notes the parts and cells that no document has. */
static void find_gaps(struct merge *m)
{
	json_int_t n = json_integer_value(m->n);
	const char *name;
	json_t *cell;

	for (json_int_t i = 1; i <= n; i++) {
		_cleanup_free_ char *number = xasprintf("%lld", (long long)i);
		_cleanup_free_ char *text = xasprintf("part %s of %lld is missing", number, (long long)n);

		if (!json_object_get(m->parts, number))
			json_array_append_new(m->gaps, json_text(text));
	}
	json_object_foreach(m->cells, name, cell) {
		_cleanup_free_ char *text = xasprintf("%s was not done", name);

		if (!is_done(m, cell))
			json_array_append_new(m->gaps, json_text(text));
	}
}

/* The worst status of the documents. An earlier try of a part counts, too. */
static void find_status(struct merge *m)
{
	json_t *document;
	size_t i;

	json_array_foreach(m->documents, i, document) {
		int status = (int)json_integer_value(json_object_get(document, "status"));

		m->status = status > m->status ? status : m->status;
	}
	if (!m->status && json_array_size(m->gaps))
		m->status = 1;
}

static json_t *make_document(const struct merge *m)
{
	json_t *root = json_object(), *jobs = json_array(), *name;
	size_t i;

	json_array_foreach(m->order, i, name)
		json_array_append(jobs, json_object_get(m->jobs, json_string_value(name)));
	json_object_set_new(root, "schema", json_text(SCHEMA));
	json_object_set_new(root, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(root, "command", json_text("merge"));
	json_object_set_new(root, "slots", json_integer(m->slots));
	json_object_set_new(root, "status", json_integer(m->status));
	if (json_array_size(m->gaps))
		json_object_set(root, "error", json_array_get(m->gaps, 0));
	else
		json_object_set_new(root, "error", json_null());
	json_object_set_new(root, "remedy", json_null());
	json_object_set_new(root, "wall_s", json_real(m->wall_s));
	json_object_set_new(root, "remote", json_null());
	json_object_set(root, "gaps", m->gaps);
	json_object_set_new(root, "jobs", jobs);
	return root;
}

/* Prints how many jobs have which result, the failures, and the gaps. */
static void print_summary(const struct merge *m, const json_t *document)
{
	static const char *const results[] = {
		"done", "nothing", "excluded", "failed", "blocked", "stopped"};
	const json_t *jobs = json_object_get(document, "jobs"), *job, *gap;
	size_t i;

	print_masked(stdout, "%zu jobs:", json_array_size(jobs));
	for (size_t k = 0; k < ARRAY_SIZE(results); k++) {
		size_t n = 0;

		json_array_foreach(jobs, i, job)
			n += streq(text_of(job, "result"), results[k]);
		if (n)
			print_masked(stdout, " %zu %s", n, results[k]);
	}
	print_masked(stdout, "\n");
	json_array_foreach(jobs, i, job) {
		_cleanup_free_ char *name = name_cell(job);

		if (streq(text_of(job, "result"), "failed"))
			print_masked(stdout, "%s: %s\n", name, text_of(job, "error"));
	}
	json_array_foreach(m->gaps, i, gap)
		print_warning("%s", json_string_value(gap));
}

static int write_all_forms(const struct arguments *args, const struct merge *m, struct error *err)
{
	json_t *document = make_document(m);
	int r = 0;

	if (args->json)
		json_print(document, stdout);
	else if (!args->quiet)
		print_summary(m, document);
	if (args->html)
		r = page_write(args->html, document, err);
	if (r == 0 && args->junit)
		r = annotations_write_junit(args->junit, document, err);
	if (args->github)
		annotations_print_github(document, stdout);
	json_decref(document);
	return r;
}

int command_merge(struct arguments *args)
{
	struct merge m = {.jobs = json_object(), .order = json_array(), .cells = json_object(),
		.parts = json_object(), .documents = json_array(), .gaps = json_array()};
	_cleanup_(error_done) struct error err = {0};
	int r = 0;

	if (!args->files.n) {
		r = error_set(&err, -EINVAL, 2, "merge needs the documents of runs");
		error_remedy(&err, "dkms merge part-*.json");
	}
	for (size_t i = 0; i < args->files.n && r == 0; i++)
		r = add_document(&m, args->files.items[i], &err);
	if (r == 0) {
		find_gaps(&m);
		find_status(&m);
		r = write_all_forms(args, &m, &err);
	}
	if (r < 0)
		print_error(&err);
	json_decref(m.jobs);
	json_decref(m.order);
	json_decref(m.cells);
	json_decref(m.parts);
	json_decref(m.documents);
	json_decref(m.gaps);
	return err.status ? err.status : m.status;
}
