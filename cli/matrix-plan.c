/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which module goes with which kernel, what does it cost, and what belongs together? */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json-text.h"
#include "scheduler/autoinstall.h"
#include "scheduler/estimate.h"
#include "scheduler/job-index.h"
#include "scheduler/shards.h"
#include "cli/json.h"
#include "cli/matrix-plan.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/shard.h"

/* The jobs of a plan that install, with numbers from 0 on. */
struct matrix {
	struct job **jobs;
	size_t n;
	size_t *numbers;	 /* the number here of each job of the plan */
	size_t *chains, *groups; /* sets of these numbers: scheduler/shards.h */
};

/* Returns the length of the part of a release that says which Linux it is: 5 for "6.1.0-57-amd64".
 * Kernels with the same part and the same flavour often have the same headers. */
static size_t base_length(const char *release)
{
	return strcspn(release, "-+");
}

static const char *flavour(const char *release)
{
	const char *dash = strrchr(release, '-');

	return dash ? dash : "";
}

static bool are_alike(const struct job *a, const struct job *b)
{
	const char *x = a->kernel->release, *y = b->kernel->release;

	return streq(a->name, b->name) && streq(a->version, b->version) &&
	       streq(a->kernel->arch, b->kernel->arch) && base_length(x) == base_length(y) &&
	       strncmp(x, y, base_length(x)) == 0 && streq(flavour(x), flavour(y));
}

/* For qsort(): jobs that are alike stand together. */
static int by_likeness(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
	int r = strcmp(x->name, y->name);

	r = r ? r : strcmp(x->version, y->version);
	r = r ? r : strcmp(x->kernel->arch, y->kernel->arch);
	r = r ? r : strcmp(flavour(x->kernel->release), flavour(y->kernel->release));
	return r ? r : strcmp(x->kernel->release, y->kernel->release);
}

static void join_needed(struct matrix *m)
{
	struct job_index index;

	job_index_init(&index, m->jobs, m->n);
	for (size_t i = 0; i < m->n; i++) {
		const struct strv *names = &m->jobs[i]->conf->build_depends;

		for (size_t j = 0; j < names->n; j++) {
			size_t n;
			struct job *const *found =
				job_index_find(&index, names->items[j], m->jobs[i]->kernel, &n);

			if (!found)
				continue;
			shards_sets_join(m->chains, i, m->numbers[(*found)->number]);
			shards_sets_join(m->groups, i, m->numbers[(*found)->number]);
		}
	}
	job_index_done(&index);
}

static void join_alike(struct matrix *m)
{
	struct job **sorted = xcalloc(m->n + 1, sizeof(struct job *));

	for (size_t i = 0; i < m->n; i++)
		sorted[i] = m->jobs[i];
	qsort(sorted, m->n, sizeof(struct job *), by_likeness);
	for (size_t i = 1; i < m->n; i++)
		if (are_alike(sorted[i - 1], sorted[i]))
			shards_sets_join(m->groups, m->numbers[sorted[i - 1]->number],
				m->numbers[sorted[i]->number]);
	free(sorted);
}

static json_t *cell_json(const struct matrix *m, size_t i, const struct history *history)
{
	const struct job *job = m->jobs[i];
	json_t *j = json_object(), *needs = json_array();
	_cleanup_free_ char *title = xasprintf("%s/%s", job->name, job->version);
	struct cost known;

	json_object_set_new(j, "module", json_text(job->name));
	json_object_set_new(j, "version", json_text(job->version));
	json_object_set_new(j, "kernel", json_text(job->kernel->release));
	json_object_set_new(j, "arch", json_text(job->kernel->arch));
	json_object_set_new(j, "excluded", json_text(job->conf->excluded));
	json_object_set_new(j, "cost_s",
		json_real(job->conf->excluded ? 0 : (double)job->request.expected_ms / 1000));
	json_object_set_new(j, "cost_from",
		json_text(history && history_find(history, title, job->kernel->release, &known) ? "history"
										     : "size"));
	json_object_set_new(j, "chain", json_integer((json_int_t)shards_set_find(m->chains, i)));
	json_object_set_new(j, "group", json_integer((json_int_t)shards_set_find(m->groups, i)));
	for (size_t k = 0; k < job->conf->build_depends.n; k++)
		json_array_append_new(needs, json_text(job->conf->build_depends.items[k]));
	json_object_set_new(j, "needs", needs);
	return j;
}

/* Whether the job installs a module that the arguments name; without a name, any. */
static bool is_wanted(const struct job *job, const struct arguments *args)
{
	return job->kind == JOB_INSTALL && (is_empty(args->name) || streq(job->name, args->name)) &&
	       (is_empty(args->version) || streq(job->version, args->version));
}

json_t *matrix_plan_make(struct plan *p, const struct arguments *args)
{
	struct matrix m = {.jobs = xcalloc(p->n_jobs + 1, sizeof(struct job *)),
		.numbers = xcalloc(p->n_jobs + 1, sizeof(size_t))};
	json_t *root = json_object(), *cells = json_array();

	for (size_t i = 0; i < p->n_jobs; i++) {
		m.numbers[i] = m.n;
		if (is_wanted(p->jobs[i], args))
			m.jobs[m.n++] = p->jobs[i];
	}
	m.chains = shards_sets_new(m.n);
	m.groups = shards_sets_new(m.n);
	join_needed(&m);
	join_alike(&m);
	estimate_jobs(p->history, m.jobs, m.n);
	for (size_t i = 0; i < m.n; i++)
		json_array_append_new(cells, cell_json(&m, i, p->history));
	json_object_set_new(root, "schema", json_text(PLAN_SCHEMA));
	json_object_set_new(root, "dkms", json_text(PACKAGE_VERSION));
	json_object_set_new(root, "id", shard_identify_plan(cells));
	json_object_set_new(root, "cells", cells);
	free(m.jobs);
	free(m.numbers);
	free(m.chains);
	free(m.groups);
	return root;
}

static const char *text_of(const json_t *cell, const char *key)
{
	const char *text = json_string_value(json_object_get(cell, key));

	return text ? text : "";
}

/* Prints the plan as a table for people. */
static void print_plan(const json_t *plan)
{
	const json_t *cells = json_object_get(plan, "cells");
	double sum = 0;

	for (size_t i = 0; i < json_array_size(cells); i++) {
		const json_t *cell = json_array_get(cells, i);
		double cost = json_number_value(json_object_get(cell, "cost_s"));
		_cleanup_free_ char *time = format_seconds(cost);
		const char *excluded = json_string_value(json_object_get(cell, "excluded"));

		sum += cost;
		print_masked(stdout, "%s/%s, %s, %s: %s%s\n", text_of(cell, "module"),
			text_of(cell, "version"), text_of(cell, "kernel"), text_of(cell, "arch"),
			excluded ? "excluded: " : "about ", excluded ? excluded : time);
	}
	if (json_array_size(cells)) {
		_cleanup_free_ char *time = format_seconds(sum);

		print_masked(stdout, "%zu jobs, about %s of CPU time\n", json_array_size(cells), time);
	} else {
		print_masked(stdout, "nothing to do\n");
	}
}

int command_plan(struct arguments *args)
{
	_cleanup_(strv_done) struct strv deferred = {0}, broken = {0}, older = {0};
	bool json = args->json;
	struct session s;
	json_t *plan;

	args->settings.switches.dry_run = true;
	args->json = false; /* the document is the plan, not that of a run */
	if (session_init(&s, args, false) == 0) {
		session_open_cache(&s); /* it has the history of costs */
		if (plan_autoinstall(&s.plan, s.kernels, s.n_kernels, &deferred, &broken, &older,
			    &s.error) == 0) {
			plan = matrix_plan_make(&s.plan, args);
			if (json)
				json_print(plan, stdout);
			else
				print_plan(plan);
			json_decref(plan);
		}
	}
	for (size_t i = 0; i < deferred.n; i++)
		print_warning("%s", deferred.items[i]);
	for (size_t i = 0; i < broken.n; i++)
		print_warning("%s", broken.items[i]);
	return session_done(&s, 0);
}
