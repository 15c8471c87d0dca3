/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules does autoinstall build and install, and in which order? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/skip-list.h"
#include "builder/tree/gone-files.h"
#include "builder/tree/stale.h"
#include "builder/tree/tree.h"
#include "scheduler/autoinstall.h"
#include "scheduler/job-index.h"
#include "scheduler/plan-run.h"

/* A module of the dkms tree and its newest version that has a source. */
struct candidate {
	char *name, *version;
	char *broken; /* a newer version without one, or NULL */
	struct strv versions; /* all versions that have a directory, the newest last */
};

static void candidates_done(struct candidate *candidates, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(candidates[i].name);
		free(candidates[i].version);
		free(candidates[i].broken);
		strv_done(&candidates[i].versions);
	}
	free(candidates);
}

/* Returns whether dkms.conf can be read, or that may be so. */
static bool has_conf(const struct settings *s, const char *name, const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, name, version);
	_cleanup_free_ char *conf = path_join(dir, "source/dkms.conf");

	return path_look(conf) != 0;
}

/* Chooses one of the versions of a module, of which the newest is the last. Appends the
 * versions that cannot be installed to skipped, with the reason. Without a version that can
 * be installed, sets only ret->name, because other modules may need this one. */
static void choose_version(const struct settings *s, const char *name,
	const struct strv *versions, struct strv *skipped, struct candidate *ret)
{
	for (size_t i = versions->n; i-- > 0 && !ret->version;) {
		const char *version = versions->items[i];
		enum tree_state state = tree_version_state(
			s->trees.dkms, s->trees.source, name, version);

		if (state == STATE_LEFTOVER)
			strv_pushf(skipped, "%s/%s is a leftover and is skipped: it has no source",
				name, version);
		if (state == STATE_BROKEN)
			strv_pushf(skipped, "%s/%s is broken and is skipped: its source is missing",
				name, version);
		if (state == STATE_ADDED && !has_conf(s, name, version)) {
			strv_pushf(skipped,
				"%s/%s is broken and is skipped: its source has no dkms.conf",
				name, version);
			state = STATE_BROKEN;
		}
		if (state == STATE_BROKEN && !ret->broken)
			ret->broken = xstrdup(version);
		if (state != STATE_LEFTOVER)
			str_replace(&ret->name, name);
		/* The job says why, if the version cannot be read. */
		if (state == STATE_ADDED || state == STATE_UNKNOWN)
			ret->version = xstrdup(version);
	}
}

/* Chooses a version of every module in the dkms tree, see choose_version();
 * candidates_done frees the list. Returns 0, or a negative errno when the tree cannot be
 * read. */
static int find_candidates(const struct settings *s, struct candidate **ret, size_t *ret_n,
	struct strv *skipped, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct candidate *candidates = NULL;
	size_t n = 0;
	int r = tree_list_modules(s->trees.dkms, &names);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", s->trees.dkms);
	candidates = xcalloc(names.n, sizeof(*candidates));
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_(strv_done) struct strv versions = {0};
		r = tree_list_versions(s->trees.dkms, names.items[i], &versions);
		if (r < 0) {
			candidates_done(candidates, n);
			return error_errno(err, r, 1, "cannot read %s/%s",
				s->trees.dkms, names.items[i]);
		}
		choose_version(s, names.items[i], &versions, skipped, &candidates[n]);
		if (!candidates[n].name)
			continue;
		candidates[n++].versions = versions;
		versions = (struct strv){0};
	}
	*ret = candidates;
	*ret_n = n;
	return 0;
}

/* Returns whether the kernel has a newer version installed, whose source is missing. */
static bool has_broken(
	const struct settings *s, const struct candidate *c, const struct kernel *k)
{
	_cleanup_free_ char *installed = NULL;

	if (!c->broken)
		return false;
	installed = tree_installed_version(
		s->trees.dkms, version_on_kernel(c->name, NULL, k->release, k->arch));
	return installed && streq(installed, c->broken);
}

/* Adds a job that evaluates the dkms.conf of a version for a kernel, unless that is installed
 * and as it should be. Returns whether it has added one; *ret_state is that of the version. */
static bool add_evaluation(struct plan *p, struct stale_check *check, struct kernel *kernel,
	const char *name, const char *version, enum tree_state *ret_state)
{
	const struct settings *s = p->shared.settings;
	struct version_on_kernel on =
		version_on_kernel(name, version, kernel->release, kernel->arch);
	enum tree_state state = tree_state(s->trees.dkms, s->trees.source, on);
	bool looks = !s->keep_stale && state >= STATE_BUILT && state != STATE_INSTALLED_WEAK;
	bool gone = looks && state == STATE_INSTALLED && gone_files_exist(s, on);
	const char *stale = looks ? stale_find(check, on) : NULL;
	struct job *job;

	*ret_state = state;
	if (state >= STATE_INSTALLED_WEAK && !kernel->unfinished && !gone && !stale)
		return false;
	job = plan_add_job(p, JOB_EVALUATE, kernel, name, version);
	job->request.reinstall = gone;
	job->request.rebuild = stale != NULL;
	job->request.stale = stale;
	return true;
}

/* Returns the newest version that is older than the given one, can be installed and is not
 * kept off the kernel; borrowed. NULL if there is none. */
static const char *find_older(const struct settings *s, const struct skip_list *skips,
	const struct candidate *c, const char *version, const struct kernel *k)
{
	size_t i = c->versions.n;

	while (i > 0 && !streq(c->versions.items[i - 1], version))
		i--;
	while (i > 1) {
		const char *older = c->versions.items[--i - 1];

		if (tree_version_state(s->trees.dkms, s->trees.source, c->name, older) ==
				STATE_ADDED &&
			has_conf(s, c->name, older) &&
			!skip_list_find(skips, c->name, older, k->release))
			return older;
	}
	return NULL;
}

/* Returns the newest version that can be installed and that dkms skip does not keep off the
 * kernel; borrowed. NULL if there is none. */
static const char *find_unskipped(const struct settings *s, const struct skip_list *skips,
	const struct candidate *c, const struct kernel *k)
{
	if (!c->version || !skip_list_find(skips, c->name, c->version, k->release))
		return c->version;
	return find_older(s, skips, c, c->version, k);
}

/* Notes that dkms skip keeps the candidate off the kernel. */
static void note_skipped(struct plan *p, const struct skip_list *skips,
	const struct candidate *c, const struct kernel *k)
{
	_cleanup_free_ char *words = skip_record_words(
		skip_list_find(skips, c->name, c->version, k->release));

	strv_pushf(&p->notes, "%s/%s for %s: nothing, skipped: dkms unskip %s", c->name,
		c->version, k->release, words);
}

/* Adds a job that evaluates the candidate's dkms.conf for each kernel on which neither the
 * candidate nor a newer version is installed as it should be. */
static void evaluate_candidate(struct plan *p, struct stale_check *check,
	const struct skip_list *skips, const struct candidate *c, struct kernel **kernels,
	size_t n_kernels)
{
	const struct settings *s = p->shared.settings;

	for (size_t k = 0; k < n_kernels && c->version; k++) {
		const char *version = find_unskipped(s, skips, c, kernels[k]);
		enum tree_state state;

		if (!version)
			note_skipped(p, skips, c, kernels[k]);
		else if (!has_broken(s, c, kernels[k]) &&
			!add_evaluation(p, check, kernels[k], c->name, version, &state))
			strv_pushf(&p->notes, "%s/%s for %s: nothing, %s", c->name, version,
				kernels[k]->release, tree_state_name(state));
	}
}

/* Returns the candidate of that name. */
static const struct candidate *find_candidate(
	const struct candidate *candidates, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(candidates[i].name, name))
			return &candidates[i];
	abort();
}

/* Returns whether the dkms tree has a module of that name. */
static bool is_known(const struct candidate *candidates, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(candidates[i].name, name))
			return true;
	return false;
}

/* Returns whether the evaluated dkms.conf has AUTOINSTALL=yes. */
static bool wants_install(const struct job *evaluated)
{
	return evaluated->outcome.result == RESULT_DONE && evaluated->conf->autoinstall;
}

/* The search for older versions, where the newest one excludes a kernel. */
struct fallback {
	struct plan *p;
	struct stale_check *check;
	const struct skip_list *skips;
	const struct candidate *candidates;
	size_t n_candidates;
	size_t first; /* the first job that has evaluated a dkms.conf */
	/* For each job from first on, the number of the job for the newest version. */
	size_t *newest;
	struct strv *said; /* a line for each older version that is chosen */
};

/* Goes on with the next older version, if there is one, or leaves the choice to the newest,
 * which then says why it is skipped. */
static void try_older(struct fallback *f, struct job *evaluated, struct job *newest)
{
	struct plan *p = f->p;
	const struct kernel *k = evaluated->kernel;
	const char *older = find_older(p->shared.settings, f->skips,
		find_candidate(f->candidates, f->n_candidates, evaluated->name),
		evaluated->version, k);

	enum tree_state state;

	if (!older)
		return;
	if (!add_evaluation(p, f->check, evaluated->kernel, evaluated->name, older, &state)) {
		strv_pushf(&p->notes,
			"%s/%s for %s: nothing, installed; %s is newer, but excluded: %s",
			evaluated->name, older, k->release, newest->version,
			newest->conf->excluded);
		newest->outcome.result = RESULT_NOTHING;
		return;
	}
	f->newest = xrealloc_array(
		f->newest, p->n_jobs - f->first, sizeof(*f->newest));
	f->newest[p->n_jobs - 1 - f->first] = newest->number;
}

/* Returns whether the job is about what is installed already. */
static bool is_installed_again(const struct job *job)
{
	return job->request.reinstall ||
	       (job->request.rebuild &&
		       job->outcome.state_before >= STATE_INSTALLED_WEAK);
}

/* Decides between the version that a job has evaluated and the newest one, which excludes the
 * kernel. The result of a job whose version is not installed becomes RESULT_NOTHING. */
static void consider_version(struct fallback *f, struct job *evaluated)
{
	struct job *newest = f->p->jobs[f->newest[evaluated->number - f->first]];
	bool wanted = wants_install(evaluated);

	if (newest == evaluated) {
		if (wanted && evaluated->conf->excluded && !is_installed_again(evaluated))
			try_older(f, evaluated, newest);
		return;
	}
	if (wanted && !evaluated->conf->excluded) {
		strv_pushf(f->said, "%s/%s for %s is chosen in place of %s, which is excluded: %s",
			evaluated->name, evaluated->version, evaluated->kernel->release,
			newest->version, newest->conf->excluded);
		newest->outcome.result = RESULT_NOTHING;
		return;
	}
	if (evaluated->outcome.result == RESULT_DONE)
		evaluated->outcome.result = RESULT_NOTHING;
	if (wanted)
		try_older(f, evaluated, newest);
}

/* Looks for an older version of each package whose newest version excludes a kernel. Runs the
 * plan to evaluate them. */
static int choose_older_versions(struct fallback *f, struct error *err)
{
	struct plan *p = f->p;
	size_t done = f->first, end = 0;
	int r = 0;

	f->newest = xcalloc(p->n_jobs - f->first + 1, sizeof(*f->newest));
	for (size_t i = f->first; i < p->n_jobs; i++)
		f->newest[i - f->first] = i;
	while (r == 0 && !p->shared.stop.signal && end != p->n_jobs) {
		end = p->n_jobs;
		for (; done < end; done++)
			consider_version(f, p->jobs[done]);
		r = plan_run(p, err);
	}
	free(f->newest);
	return r;
}

/* The search for jobs that must be deferred. */
struct deferral {
	const struct settings *settings;
	const struct skip_list *skips;
	const struct candidate *candidates;
	size_t n_candidates;
	struct job_index index; /* of the jobs that have evaluated a dkms.conf */
	size_t first; /* the number of the first of them */
	bool *deferred; /* for each of them from first on */
};

/* Returns whether dkms skip keeps the module off the job's kernel, on which no version of it is
 * installed. */
static bool is_kept_off(const struct deferral *d, const struct job *job, const char *name)
{
	const struct candidate *c = find_candidate(d->candidates, d->n_candidates, name);
	_cleanup_free_ char *installed = NULL;

	if (!c->version || find_unskipped(d->settings, d->skips, c, job->kernel))
		return false;
	installed = tree_installed_version(
		d->settings->trees.dkms, job_module_on_kernel(job, name));
	return !installed;
}

/* Returns why a job must be deferred: it needs a module that is not in the dkms tree,
 * that dkms skip keeps off the kernel, or a module that is deferred itself. Returns NULL when
 * the job need not be deferred. The caller frees the text. */
static char *why_deferred(const struct deferral *d, const struct job *job)
{
	const struct strv *names = &job->conf->build_depends;

	for (size_t i = 0; i < names->n; i++) {
		struct job *const *others;
		size_t n;

		if (!is_known(d->candidates, d->n_candidates, names->items[i]))
			return xasprintf("%s, which dkms does not know", names->items[i]);
		if (is_kept_off(d, job, names->items[i]))
			return xasprintf("%s, which dkms skip keeps off this kernel",
				names->items[i]);
		others = job_index_find(&d->index, names->items[i], job->kernel, &n);
		for (size_t j = 0; j < n; j++)
			if (d->deferred[others[j]->number - d->first])
				return xasprintf("%s, which is deferred", names->items[i]);
	}
	return NULL;
}

/* Finds the jobs that must be deferred, among those from p->jobs[first] on that have
 * evaluated a dkms.conf. Repeats the search until nothing changes, since deferring one
 * job may defer jobs that need it. Returns an array in which element i is about the job
 * p->jobs[first + i]; the caller frees it. Appends a line with the reason to ret_deferred
 * for each deferred job. */
static bool *find_deferred(struct plan *p, size_t first, const struct skip_list *skips,
	const struct candidate *candidates, size_t n, struct strv *ret_deferred)
{
	size_t n_jobs = p->n_jobs - first;
	struct deferral d = {.settings = p->shared.settings, .skips = skips,
		.candidates = candidates, .n_candidates = n, .first = first,
		.deferred = xcalloc(n_jobs, sizeof(bool))};
	bool changed = true;

	job_index_init(&d.index, p->jobs + first, n_jobs);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < n_jobs; i++) {
			const struct job *job = p->jobs[first + i];
			_cleanup_free_ char *why = NULL;

			if (d.deferred[i] || !wants_install(job))
				continue;
			why = why_deferred(&d, job);
			if (!why)
				continue;
			strv_pushf(ret_deferred, "%s/%s for %s is deferred: it needs %s",
				job->name, job->version, job->kernel->release, why);
			d.deferred[i] = changed = true;
		}
	}
	job_index_done(&d.index);
	return d.deferred;
}

/* Adds an edge from each job that the given one needs by its BUILD_DEPENDS, if that job
 * is in the index. Clears depends_met when a needed module is
 * neither installed nor going to be installed, because it does not have AUTOINSTALL=yes
 * or has a bad dkms.conf. The job then fails in the state JOB_CHECKING, which reports
 * what is missing. */
static void add_dependency_edges(
	struct plan *p, struct job *job, const struct job_index *index)
{
	const struct settings *s = p->shared.settings;

	job->request.depends_met = true;
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *installed = NULL;
		size_t n;
		struct job *const *before = job_index_find(index, name, job->kernel, &n);

		if (before) {
			plan_add_edge(p, *before, job, EDGE_NEEDS);
			continue;
		}
		installed = tree_installed_version(
			s->trees.dkms, job_module_on_kernel(job, name));
		if (!installed)
			job->request.depends_met = false;
	}
}

/* Adds a job that installs for each job from p->jobs[first] on that has evaluated a
 * dkms.conf, unless leave_out[i] is set for the job p->jobs[first + i]. */
static void add_installs(struct plan *p, size_t first, const bool *leave_out)
{
	size_t last = p->n_jobs;
	struct job_index index;

	for (size_t i = first; i < last; i++) {
		struct job *evaluated = p->jobs[i];

		if (evaluated->outcome.result == RESULT_DONE && !leave_out[i - first]) {
			struct job *job = plan_add_follow_up(p, JOB_INSTALL, evaluated);

			job->request.reinstall = evaluated->request.reinstall;
			job->request.rebuild = evaluated->request.rebuild;
			job->request.stale = evaluated->request.stale;
		}
	}
	job_index_init(&index, p->jobs + last, p->n_jobs - last);
	for (size_t i = last; i < p->n_jobs; i++)
		add_dependency_edges(p, p->jobs[i], &index);
	job_index_done(&index);
}

void plan_add_installs(struct plan *p, size_t first)
{
	_cleanup_free_ bool *none = xcalloc(p->n_jobs - first + 1, sizeof(*none));

	add_installs(p, first, none);
}

int plan_autoinstall(struct plan *p, struct kernel **kernels, size_t n_kernels,
	struct strv *ret_deferred, struct strv *ret_skipped, struct strv *ret_said,
	struct error *err)
{
	const struct settings *s = p->shared.settings;
	_cleanup_(stale_check_done) struct stale_check check = {.settings = s};
	struct candidate *candidates = NULL;
	struct skip_list skips;
	size_t n = 0, first = p->n_jobs;
	int r;

	r = skip_list_read(s, &skips, err);
	if (r == 0)
		r = find_candidates(s, &candidates, &n, ret_skipped, err);
	for (size_t i = 0; i < n; i++)
		evaluate_candidate(p, &check, &skips, &candidates[i], kernels, n_kernels);
	if (r == 0)
		r = plan_run(p, err);
	if (r == 0) {
		struct fallback f = {
			p, &check, &skips, candidates, n, first, .said = ret_said};

		r = choose_older_versions(&f, err);
	}
	if (r == 0 && !p->shared.stop.signal) {
		bool *left_out =
			find_deferred(p, first, &skips, candidates, n, ret_deferred);

		for (size_t i = first; i < p->n_jobs; i++) {
			const struct job *job = p->jobs[i];

			left_out[i - first] |= !wants_install(job) ||
					       (p->wants && !p->wants(job, p->wants_data));
			if (job->request.stale && !left_out[i - first])
				strv_pushf(ret_said, "%s/%s for %s is stale: %s", job->name,
					job->version, job->kernel->release,
					job->request.stale);
			if (job->outcome.result == RESULT_DONE && !wants_install(job))
				strv_pushf(&p->notes, "%s/%s for %s: nothing, AUTOINSTALL is not yes",
					job->name, job->version, job->kernel->release);
		}
		add_installs(p, first, left_out);
		free(left_out);
	}
	candidates_done(candidates, n);
	skip_list_done(&skips);
	return r;
}
