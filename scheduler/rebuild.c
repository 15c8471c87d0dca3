/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules must be rebuilt, because they were built against another version of a
 * module than the one that is installed now? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "scheduler/job-index.h"
#include "scheduler/plan-run.h"
#include "scheduler/rebuild.h"

#define CONF_MAX (1024 * 1024) /* bytes; larger than any real dkms.conf */
#define DIRECTIVE "BUILD_DEPENDS_REBUILD"

/* Returns whether a version's dkms.conf may set BUILD_DEPENDS_REBUILD: it names the
 * directive, or it sources another file, which could set it. Returns true if the file
 * cannot be read. */
static bool may_set_directive(
	const struct settings *s, const char *name, const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(s->trees.dkms, name, version);
	_cleanup_free_ char *path = path_join(dir, "source/dkms.conf");
	_cleanup_(str_done) struct str text = {0};

	if (file_read(path, CONF_MAX, &text, NULL) < 0)
		return true;
	return text.data && (strstr(text.data, DIRECTIVE) || strstr(text.data, "source ") ||
				    strstr(text.data, "\n. "));
}

/* Returns whether BUILD_DEPENDS_REBUILD may be set outside of dkms.conf: by an override
 * in /etc/dkms, or by --directive. */
static bool has_overrides(const struct settings *s)
{
	_cleanup_(strv_done) struct strv files = {0};
	int r = dir_list(s->config_dir, &files);

	if (r < 0 && r != -ENOENT)
		return true;
	for (size_t i = 0; i < files.n; i++)
		if (has_suffix(files.items[i], ".conf") &&
			!streq(files.items[i], "framework.conf"))
			return true;
	return s->directives.n > 0;
}

bool rebuild_is_possible(const struct settings *s)
{
	struct tree_list list;
	bool possible;

	if (s->switches.force)
		return false;
	if (has_overrides(s))
		return true;
	if (tree_read(s->trees.dkms, s->trees.source, NULL, &list, NULL) < 0)
		return true; /* the next read of the tree reports the error */
	possible = false;
	for (size_t i = 0; i < list.n && !possible; i++)
		possible = list.entries[i].state >= STATE_BUILT &&
			   may_set_directive(
				   s, list.entries[i].name, list.entries[i].version);
	tree_list_done(&list);
	return possible;
}

/* Returns the version of a dependency that the job's module was built against, from the
 * file .dep_NAME beside the built modules, or NULL when it is not known. The caller frees
 * it. */
static char *built_against(const struct job *job, const char *dependency)
{
	_cleanup_free_ char *dir =
		tree_built_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	_cleanup_free_ char *path = xasprintf("%s/.dep_%s", dir, dependency);
	struct str text = {0};

	if (file_read(path, 4096, &text, NULL) < 0 || !text.data) {
		str_done(&text);
		return NULL;
	}
	text.data[strcspn(text.data, "\n")] = '\0';
	return str_take(&text);
}

/* Returns whether the built module must be rebuilt: its dkms.conf has
 * BUILD_DEPENDS_REBUILD, and one of its dependencies is installed in another version than
 * the one it was built against. */
static bool is_outdated(const struct job *evaluated)
{
	const struct settings *s = evaluated->shared->settings;
	const struct strv *names = &evaluated->conf->build_depends;

	if (!evaluated->conf->build_depends_rebuild)
		return false;
	for (size_t i = 0; i < names->n; i++) {
		_cleanup_free_ char *then = built_against(evaluated, names->items[i]);
		_cleanup_free_ char *now = NULL;
		int r = tree_read_installed(s->trees.dkms,
			job_module_on_kernel(evaluated, names->items[i]), &now, NULL);

		if (r < 0 || (now && (!then || !streq(now, then))))
			return true;
	}
	return false;
}

/* Returns whether a job of the plan has installed something on the kernel. */
static bool has_installed(const struct plan *p, const struct kernel *kernel)
{
	for (size_t i = 0; i < p->n_jobs; i++)
		if (p->jobs[i]->kernel == kernel && p->jobs[i]->outcome.installed)
			return true;
	return false;
}

/* Returns whether a job of the plan has built the version for the kernel just now. */
static bool was_built_in_run(const struct plan *p, const struct tree_entry *e,
	const struct kernel *kernel)
{
	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];

		if (job->kernel == kernel && job->outcome.built &&
			streq(job->name, e->name) && streq(job->version, e->version))
			return true;
	}
	return false;
}

/* Adds a job that evaluates the dkms.conf of each version that is built for the kernel
 * and may have to be rebuilt. What has lost its dkms.conf is none of these. Returns 0, or a
 * negative errno with err filled in when the tree cannot be read. */
static int add_evaluations(struct plan *p, struct kernel *kernel, struct error *err)
{
	const struct settings *s = p->shared.settings;
	struct tree_filter filter = {.release = kernel->release, .arch = kernel->arch};
	bool overrides = has_overrides(s);
	struct tree_list list;
	int r = tree_read(s->trees.dkms, s->trees.source, &filter, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		const struct tree_entry *e = &list.entries[i];

		if (e->state >= STATE_BUILT && !e->no_conf && !was_built_in_run(p, e, kernel) &&
			(overrides || may_set_directive(s, e->name, e->version)))
			plan_add_job(p, JOB_EVALUATE, kernel, e->name, e->version);
	}
	tree_list_done(&list);
	return 0;
}

/* Adds a job that rebuilds for each job from p->jobs[first] on that has evaluated the
 * dkms.conf of an outdated module, and an edge for each of its dependencies that is
 * rebuilt as well. */
static void add_rebuilds(struct plan *p, size_t first)
{
	const struct settings *s = p->shared.settings;
	size_t last = p->n_jobs;
	struct job_index index;

	for (size_t i = first; i < last; i++) {
		struct job *evaluated = p->jobs[i], *job;
		bool installed;

		if (evaluated->outcome.result != RESULT_DONE || !is_outdated(evaluated))
			continue;
		installed = tree_state(s->trees.dkms, s->trees.source,
				    job_on_kernel(evaluated)) == STATE_INSTALLED;
		job = plan_add_follow_up(
			p, installed ? JOB_INSTALL : JOB_BUILD, evaluated);
		job->request.rebuild = true;
	}
	job_index_init(&index, p->jobs + last, p->n_jobs - last);
	for (size_t i = last; i < p->n_jobs; i++) {
		const struct strv *names = &p->jobs[i]->conf->build_depends;

		for (size_t d = 0; d < names->n; d++) {
			size_t n;
			struct job *const *before = job_index_find(
				&index, names->items[d], p->jobs[i]->kernel, &n);

			if (before && *before != p->jobs[i])
				plan_add_edge(p, *before, p->jobs[i], EDGE_NEEDS);
		}
	}
	job_index_done(&index);
}

int rebuild_add_jobs(struct plan *p, struct error *err)
{
	size_t first = p->n_jobs;
	int r = 0;

	if (p->shared.settings->switches.force || p->shared.stop.signal)
		return 0;
	for (size_t k = 0; k < p->n_kernels && r == 0; k++)
		if (has_installed(p, p->kernels[k]))
			r = add_evaluations(p, p->kernels[k], err);
	if (r == 0)
		r = plan_run(p, err);
	if (r == 0)
		add_rebuilds(p, first);
	return r;
}
