/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules × kernels as jobs in a graph: the one file of the scheduler that knows them. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree.h"
#include "builder/reuse/fingerprint.h"
#include "scheduler/estimate.h"
#include "scheduler/plan.h"

void plan_init(struct plan *p, uv_loop_t *loop, const struct settings *settings)
{
	*p = (struct plan){.loop = loop, .shared.settings = settings};
	p->history = history_read(NULL);
}

void plan_use_cache(struct plan *p, struct cache *cache)
{
	_cleanup_free_ char *history = path_join(store_dir(cache_store(cache)), "history");

	p->shared.cache = cache;
	p->shared.fingerprints = fingerprints_new(cache_stats(cache), cache_trees(cache),
		p->shared.settings);
	history_free(p->history);
	p->history = history_read(history);
}

void plan_done(struct plan *p)
{
	graph_done(&p->graph);
	for (size_t i = 0; i < p->n_jobs; i++)
		job_free(p->jobs[i]);
	for (size_t i = 0; i < p->n_kernels; i++)
		kernel_free(p->kernels[i]);
	if (p->slots == &p->own_slots)
		slots_done(&p->own_slots);
	fingerprints_free(p->shared.fingerprints);
	history_free(p->history);
	free(p->jobs);
	free(p->kernels);
	free(p->newest);
	strv_done(&p->warnings);
	strv_done(&p->notes);
	*p = (struct plan){0};
}

struct kernel *plan_kernel(struct plan *p, const char *release, const char *arch)
{
	for (size_t i = 0; i < p->n_kernels; i++)
		if (streq(p->kernels[i]->release, release) && streq(p->kernels[i]->arch, arch))
			return p->kernels[i];
	p->kernels = xrealloc_array(p->kernels, p->n_kernels + 1, sizeof(*p->kernels));
	p->newest = xrealloc_array(p->newest, p->n_kernels + 1, sizeof(*p->newest));
	p->newest[p->n_kernels] = NULL;
	p->kernels[p->n_kernels] = kernel_new(p->shared.settings, release, arch);
	return p->kernels[p->n_kernels++];
}

/* Where p->newest has the kernel's job. */
static struct job **newest_on(const struct plan *p, const struct kernel *kernel)
{
	for (size_t k = 0; k < p->n_kernels; k++)
		if (p->kernels[k] == kernel)
			return &p->newest[k];
	abort();
}

struct job *plan_add(struct plan *p, enum job_kind kind, struct kernel *kernel,
	const char *name, const char *version)
{
	struct job *job = job_new(kind, &p->shared, kernel, name, version);

	p->jobs = xrealloc_array(p->jobs, p->n_jobs + 1, sizeof(*p->jobs));
	job->number = p->n_jobs;
	if (kernel) {
		struct job **newest = newest_on(p, kernel);

		job->before = *newest;
		*newest = job;
	}
	p->jobs[p->n_jobs++] = job;
	graph_add(&p->graph, job, 0);
	return job;
}

/* The graph's nodes are the jobs from n_run on, in the same order. */
static struct node *node_of(const struct plan *p, const struct job *job)
{
	return p->graph.nodes[job->number - p->n_run];
}

void plan_edge(struct plan *p, struct job *before, struct job *after, enum edge_kind kind)
{
	graph_edge(&p->graph, node_of(p, before), node_of(p, after), kind);
}

static bool may_change_kernel(const struct job *job)
{
	return job->kind == JOB_INSTALL || job->kind == JOB_UNINSTALL ||
	       job->kind == JOB_UNBUILD;
}

void plan_add_depmods(struct plan *p)
{
	enum distro distro = p->shared.settings->distro;
	bool in_turn = distro == DISTRO_RHEL || distro == DISTRO_SUSE;
	struct job *previous = NULL;
	size_t n = p->n_jobs;

	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *depmod = NULL;

		for (size_t i = p->n_refreshed; i < n; i++) {
			if (p->jobs[i]->kernel != p->kernels[k] ||
				!may_change_kernel(p->jobs[i]))
				continue;
			if (!depmod) {
				depmod = plan_add(p, JOB_DEPMOD, p->kernels[k], NULL, NULL);
				depmod->members =
					xcalloc(n - p->n_refreshed, sizeof(struct job *));
			}
			depmod->members[depmod->n_members++] = p->jobs[i];
			if (i >= p->n_run)
				graph_edge(&p->graph, p->graph.nodes[i - p->n_run],
					p->graph.nodes[p->graph.n - 1], EDGE_AFTER);
		}
		if (depmod)
			depmod->members = xrealloc_array(depmod->members,
				depmod->n_members, sizeof(struct job *));
		/* weak-modules changes what other kernels have. */
		if (depmod && previous && in_turn)
			plan_edge(p, previous, depmod, EDGE_AFTER);
		previous = depmod ? depmod : previous;
	}
	p->n_refreshed = p->n_jobs;
}

/* The sandbox */

static bool sandbox_works(struct plan *p, enum sandbox_kind kind)
{
	struct outcome outcome = {0};
	struct command cmd;
	bool works;

	sandbox_probe(kind, &cmd);
	works = runner_command(p->loop, &cmd, &outcome) == 0 && outcome_ok(&outcome);
	outcome_done(&outcome);
	command_done(&cmd);
	return works;
}

/* Finds out by trying how commands can be confined. */
static int choose_sandbox(struct plan *p, struct error *err)
{
	enum sandbox_mode mode = p->shared.settings->sandbox;

	if (p->shared.sandbox != SANDBOX_KIND_UNKNOWN)
		return 0;
	p->shared.sandbox = SANDBOX_KIND_NONE;
	if (mode == SANDBOX_OFF)
		return 0;
	if (geteuid() == 0 && sandbox_works(p, SANDBOX_KIND_UNTRUSTED))
		p->shared.sandbox = SANDBOX_KIND_UNTRUSTED;
	else if (sandbox_works(p, SANDBOX_KIND_USERNS))
		p->shared.sandbox = SANDBOX_KIND_USERNS;
	else if (mode == SANDBOX_REQUIRE)
		return error_set(err, -EPERM, 1,
			"bubblewrap cannot make a sandbox here, and --sandbox=require "
			"asks for one");
	else
		strv_push(&p->warnings, "no sandbox: bubblewrap is not installed or namespaces "
					"are not permitted here; builds run without one");
	return 0;
}

static bool is_same_build(const struct job *a, const struct job *b)
{
	return job_builds(a) && a->kind == b->kind && streq(a->name, b->name) &&
	       streq(a->version, b->version);
}

/* Without mount namespaces, builds of one module version share a directory, so that one
 * kernel comes after the other. */
static void add_directory_edges(struct plan *p)
{
	for (size_t i = p->n_run; i < p->n_jobs; i++) {
		for (size_t j = i + 1; j < p->n_jobs; j++) {
			const struct job *a = p->jobs[i], *b = p->jobs[j];

			if (!is_same_build(a, b))
				continue;
			plan_edge(p, p->jobs[i], p->jobs[j], EDGE_AFTER);
			break;
		}
	}
}

/* The kernel's job that has not been run and builds the same, or NULL. */
static struct job *find_build(const struct plan *p, const struct kernel *kernel,
	const struct job *like)
{
	struct job *job = *newest_on(p, kernel);

	while (job && job->number >= p->n_run && !is_same_build(job, like))
		job = job->before;
	return job && job->number >= p->n_run ? job : NULL;
}

/* For each kernel the first of its kin: the number of the first that objects made for it may
 * serve, its own at the latest. Caller frees. */
static size_t *find_kin(const struct plan *p)
{
	struct digest *kin = xcalloc(p->n_kernels + 1, sizeof(*kin));
	size_t *first = xcalloc(p->n_kernels + 1, sizeof(*first));

	for (size_t k = 0; k < p->n_kernels; k++) {
		size_t i = kernel_kin(p->kernels[k], &kin[k]) ? 0 : k;

		while (i < k && !digest_equal(&kin[i], &kin[k]))
			i++;
		first[k] = i;
	}
	free(kin);
	return first;
}

/* Where objects made for one kernel may serve others, these wait for the first of them. An
 * edge leads to a later kernel always, so that there is no cycle. */
static void add_kin_edges(struct plan *p)
{
	_cleanup_free_ size_t *first = find_kin(p);

	for (size_t k = 0; k < p->n_kernels; k++) {
		struct job *job = first[k] < k ? *newest_on(p, p->kernels[k]) : NULL;

		for (; job && job->number >= p->n_run; job = job->before) {
			struct job *before = find_build(p, p->kernels[first[k]], job);

			if (before)
				plan_edge(p, before, job, EDGE_AFTER);
		}
	}
}

/* Jobs as tasks of the runner */

/* What is left of a job's time is the limit of its command. */
static void limit_command(struct job *job)
{
	unsigned int limit = job->shared->settings->timeout_s, left = 1;
	uint64_t spent_s = (uv_hrtime() - job->began_ns) / 1000000000u;

	if (!limit || job->command.essential)
		return;
	if (spent_s < limit)
		left = limit - (unsigned int)spent_s;
	if (!job->command.timeout_s || left < job->command.timeout_s)
		job->command.timeout_s = left;
}

/* --fail-fast: what has not begun does not. Depmod looks after what is done. */
static bool stop_early(struct job *job)
{
	const struct job *failed = job->shared->failed;

	if (!failed || !job->shared->settings->fail_fast || job->state != JOB_NEW ||
		job->kind == JOB_DEPMOD)
		return false;
	job->result = RESULT_STOPPED;
	error_set(&job->error, -ECANCELED, failed->error.status, "not begun, as another failed");
	return true;
}

static enum task_step task_step(void *task, const struct outcome *last)
{
	struct job *job = task;

	if (stop_early(job))
		return TASK_FAILED;
	switch (job_step(job, last)) {
	case STEP_COMMAND:
		limit_command(job);
		return TASK_COMMAND;
	case STEP_WORK:
		return TASK_WORK;
	case STEP_ENDED:
		break;
	}
	return job->result == RESULT_FAILED ? TASK_FAILED : TASK_OK;
}

static const struct command *task_command(void *task)
{
	return &((struct job *)task)->command;
}

static void task_work(void *task)
{
	job_work(task);
}

static void on_event(enum run_event event, struct node *node, void *userdata)
{
	struct plan *p = userdata;

	if (event == RUN_BLOCKED) {
		struct job *job = node->data;
		const struct job *by = node->blocker->data;

		/* The first of a circle is told while the one before it is still waiting. */
		bool circle = by->result == RESULT_NONE;

		job->result = by->result == RESULT_STOPPED ? RESULT_STOPPED : RESULT_BLOCKED;
		if (circle)
			error_set(&job->error, -ELOOP, 11, "BUILD_DEPENDS go round in a circle: "
				"it needs %s, which needs it", by->name);
		else
			error_set(&job->error, -ECANCELED, 13, "it needs %s, which failed",
				by->name);
	}
	if (event == RUN_ENDED && !p->shared.failed &&
		((struct job *)node->data)->result == RESULT_FAILED)
		p->shared.failed = node->data;
	if (p->observer.on_event)
		p->observer.on_event(event, node, p->observer.userdata);
}

/* Orders the jobs that have not been run, the longest way to the end first. */
static void weigh_jobs(struct plan *p)
{
	struct job **jobs = p->jobs + p->n_run;

	estimate_jobs(p->history, jobs, p->graph.n);
	for (size_t i = 0; i < p->graph.n; i++)
		p->graph.nodes[i]->cost = (long)jobs[i]->expected_ms;
}

int plan_run(struct plan *p, struct error *err)
{
	static const struct task_ops ops = {task_step, task_command, task_work};
	struct observer observer = {on_event, p};
	struct runner_options options = {
		.observer = &observer,
		.cancelled = &p->shared.cancelled,
	};
	struct sweep_mark mark = {0};
	int r;

	if (p->n_run == p->n_jobs)
		return 0;
	r = choose_sandbox(p, err);
	if (r < 0)
		return r;
	if (p->shared.sandbox == SANDBOX_KIND_NONE)
		add_directory_edges(p);
	else if (p->shared.cache && !p->shared.settings->force)
		add_kin_edges(p);
	weigh_jobs(p);
	r = plan_choose_slots(p);
	if (r < 0)
		return error_errno(err, r, 1, "cannot start the jobs");
	/* As late as that: until the runner listens to signals they leave the mark. */
	if (plan_has_builds(p) && !p->shared.settings->dry_run)
		sweep_mark(p->shared.settings->dkms_tree, &mark);
	options.slots = p->slots;
	options.n_spare = p->n_spare;
	runner_run(p->loop, &p->graph, &ops, &options);
	sweep_unmark(&mark);
	if (!p->shared.settings->dry_run) {
		estimate_learn(p->history, p->jobs + p->n_run, p->graph.n);
		history_save(p->history); /* where it cannot be kept, nothing is amiss */
	}
	graph_done(&p->graph);
	p->n_run = p->n_jobs;
	return 0;
}

bool job_succeeded(const struct job *job)
{
	return job->result != RESULT_FAILED && job->result != RESULT_BLOCKED &&
	       job->result != RESULT_STOPPED;
}

/* autoinstall */

/* The newest version of a module. */
struct candidate {
	char *name, *version;
};

static void candidates_done(struct candidate *candidates, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(candidates[i].name);
		free(candidates[i].version);
	}
	free(candidates);
}

static int find_candidates(const struct settings *s, struct candidate **ret, size_t *ret_n,
	struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct candidate *candidates = NULL;
	size_t n = 0;
	int r = tree_names(s->dkms_tree, &names);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", s->dkms_tree);
	candidates = xcalloc(names.n, sizeof(*candidates));
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(strv_done) struct strv versions = {0};
		struct candidate *c = &candidates[n];

		if (tree_versions(s->dkms_tree, names.items[i], &versions) < 0 || !versions.n)
			continue;
		c->name = xstrdup(names.items[i]);
		c->version = xstrdup(versions.items[versions.n - 1]);
		n++;
	}
	*ret = candidates;
	*ret_n = n;
	return 0;
}

/* Adds jobs that evaluate the candidate's conf for the kernels that it is not installed on.
 * A broken candidate is noted instead. */
static void evaluate_candidate(struct plan *p, const struct candidate *c,
	struct kernel **kernels, size_t n_kernels, struct strv *ret_broken)
{
	const struct settings *s = p->shared.settings;

	for (size_t k = 0; k < n_kernels; k++) {
		enum state state = tree_state(s->dkms_tree, s->source_tree, c->name,
			c->version, kernels[k]->release, kernels[k]->arch);

		if (state == STATE_BROKEN) {
			strv_pushf(ret_broken, "%s/%s", c->name, c->version);
			return;
		}
		if (state < STATE_INSTALLED_WEAK)
			plan_add(p, JOB_EVALUATE, kernels[k], c->name, c->version);
		else
			strv_pushf(&p->notes, "%s/%s for %s: nothing, %s", c->name, c->version,
				kernels[k]->release, state_name(state));
	}
}

struct job *plan_find(struct plan *p, size_t first, const char *name,
	const struct kernel *kernel)
{
	struct job *job = *newest_on(p, kernel), *found = NULL;

	for (; job && job->number >= first; job = job->before)
		if (job->name && streq(job->name, name))
			found = job;
	return found;
}

static bool is_known(const struct candidate *candidates, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(candidates[i].name, name))
			return true;
	return false;
}

static bool wants_install(const struct job *evaluated)
{
	return evaluated->result == RESULT_DONE && evaluated->conf->autoinstall;
}

/* Why a job has to wait: a package that it needs and the tree does not know, or one that
 * is deferred itself. deferred[i] is about the job first + i. Caller frees; NULL when it
 * has not. */
static char *why_deferred(struct plan *p, const struct job *job, size_t first,
	const bool *deferred, size_t n_deferred, const struct candidate *candidates, size_t n)
{
	const struct strv *names = &job->conf->build_depends;

	for (size_t i = 0; i < names->n; i++) {
		if (!is_known(candidates, n, names->items[i]))
			return xasprintf("%s, which dkms does not know", names->items[i]);
		for (size_t j = 0; j < n_deferred; j++) {
			const struct job *other = p->jobs[first + j];

			if (deferred[j] && other->kernel == job->kernel &&
				streq(other->name, names->items[i]))
				return xasprintf("%s, which is deferred", other->name);
		}
	}
	return NULL;
}

/* Finds out which of the evaluated jobs have to wait, also for each other. Caller frees. */
static bool *find_deferred(struct plan *p, size_t first, const struct candidate *candidates,
	size_t n, struct strv *ret_deferred)
{
	size_t n_jobs = p->n_jobs - first;
	bool *deferred = xcalloc(n_jobs, sizeof(*deferred));
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < n_jobs; i++) {
			const struct job *job = p->jobs[first + i];
			_cleanup_free_ char *why = NULL;

			if (deferred[i] || !wants_install(job))
				continue;
			why = why_deferred(p, job, first, deferred, n_jobs, candidates, n);
			if (!why)
				continue;
			strv_pushf(ret_deferred, "%s/%s for %s is deferred: it needs %s",
				job->name, job->version, job->kernel->release, why);
			deferred[i] = changed = true;
		}
	}
	return deferred;
}

/* Makes edges from the packages that the job needs. One that is neither installed nor
 * going to be (AUTOINSTALL is not yes, or its conf is bad) fails the job here. */
static void add_depends(struct plan *p, struct job *job, size_t first)
{
	const struct settings *s = p->shared.settings;

	job->depends_met = true;
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		struct job *before = plan_find(p, first, name, job->kernel);
		_cleanup_free_ char *installed = NULL;

		if (before) {
			plan_edge(p, before, job, EDGE_NEEDS);
			continue;
		}
		installed = tree_installed_version(s->dkms_tree, name, job->kernel->release,
			job->kernel->arch);
		if (!installed)
			job->depends_met = false; /* checking will say what is missing */
	}
}

/* Makes of the evaluated jobs from first on jobs that install, but not of those left out:
 * leave_out[i] is about the job first + i. */
static void add_installs(struct plan *p, size_t first, const bool *leave_out)
{
	size_t last = p->n_jobs;

	for (size_t i = first; i < last; i++) {
		struct job *evaluated = p->jobs[i], *job;

		if (evaluated->result != RESULT_DONE || leave_out[i - first])
			continue;
		job = plan_add(p, JOB_INSTALL, evaluated->kernel, evaluated->name,
			evaluated->version);
		job->conf_path = xstrdup(evaluated->conf_path);
		job->conf = TAKE_PTR(evaluated->conf);
	}
	for (size_t i = last; i < p->n_jobs; i++)
		add_depends(p, p->jobs[i], last);
}

void plan_install_evaluated(struct plan *p, size_t first)
{
	_cleanup_free_ bool *none = xcalloc(p->n_jobs - first + 1, sizeof(*none));

	add_installs(p, first, none);
}

int plan_autoinstall(struct plan *p, struct kernel **kernels, size_t n_kernels,
	struct strv *ret_deferred, struct strv *ret_broken, struct error *err)
{
	const struct settings *s = p->shared.settings;
	struct candidate *candidates = NULL;
	size_t n = 0, first = p->n_jobs;
	int r;

	r = find_candidates(s, &candidates, &n, err);
	for (size_t i = 0; i < n; i++)
		evaluate_candidate(p, &candidates[i], kernels, n_kernels, ret_broken);
	if (r == 0)
		r = plan_run(p, err);
	if (r == 0 && !p->shared.cancelled) {
		bool *left_out = find_deferred(p, first, candidates, n, ret_deferred);

		for (size_t i = first; i < p->n_jobs; i++) {
			const struct job *job = p->jobs[i];

			left_out[i - first] |= !wants_install(job);
			if (job->result == RESULT_DONE && !wants_install(job))
				strv_pushf(&p->notes, "%s/%s for %s: nothing, AUTOINSTALL is not yes",
					job->name, job->version, job->kernel->release);
		}
		add_installs(p, first, left_out);
		free(left_out);
	}
	candidates_done(candidates, n);
	return r;
}
