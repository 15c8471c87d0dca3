/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: each turns the arguments into jobs of a plan, runs it and reports. */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "base/file.h"
#include "builder/tree.h"
#include "cache/cache.h"
#include "cli/cache.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/status.h"
#include "scheduler/plan.h"

/* One run of a command. */
struct session {
	struct arguments *args;
	const struct settings *settings;
	struct cache *cache; /* NULL: none */
	uv_loop_t loop;
	struct plan plan;
	struct report report;
	struct kernel **kernels; /* those that the arguments name */
	size_t n_kernels;
	struct error error;
};

/* The first directory of path that exists can be written. */
static int check_writable(const char *path, struct error *err)
{
	_cleanup_free_ char *partial = xstrdup(path);

	for (;;) {
		char *slash;

		if (access(partial, W_OK) == 0)
			return 0;
		if (errno != ENOENT)
			break;
		slash = strrchr(partial, '/');
		if (!slash || slash == partial)
			break;
		*slash = '\0';
	}
	error_errno(err, -errno, 1, "cannot write to %s", path);
	if (geteuid() != 0)
		error_remedy(err, "run it as root, or name trees that you may write by "
				  "--dkmstree and --installtree");
	return -EACCES;
}

/* What can be said against the arguments before anything is done. */
static int check_arguments(const struct arguments *args, struct error *err)
{
	const struct command_row *c = args->command;
	const struct settings *s = &args->settings;

	if (args->all && args->kernels.n)
		return error_set(err, -EINVAL, 2, "--all and -k exclude each other");
	if (args->all && args->archs.n)
		return error_set(err, -EINVAL, 3, "--all and -a exclude each other");
	if (args->all && !(c->flags & COMMAND_ALL_KERNELS))
		return error_set(err, -EINVAL, 5, "--all has no meaning for %s", c->name);
	if (args->archs.n > 1 && args->archs.n != args->kernels.n)
		return error_set(err, -EINVAL, 1, "%zu architectures for %zu kernels",
			args->archs.n, args->kernels.n);
	if (c->flags & COMMAND_NEEDS_MODULE && !args->directory &&
		(is_empty(args->name) || is_empty(args->version))) {
		error_set(err, -EINVAL, 1, "%s needs a module and its version", c->name);
		error_remedy(err, "dkms %s NAME/VERSION", c->name);
		return -EINVAL;
	}
	if (args->name && tree_check_name("module name", args->name, err) < 0)
		return -EINVAL;
	if (args->version && tree_check_name("module version", args->version, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < args->kernels.n; i++)
		if (is_empty(args->kernels.items[i]))
			return error_set(err, -EINVAL, 16, "-k needs a kernel release");
	for (size_t i = 0; i < args->archs.n; i++)
		if (is_empty(args->archs.items[i]))
			return error_set(err, -EINVAL, 12, "-a needs an architecture");
	if (c->flags & COMMAND_WRITES_TREE && check_writable(s->dkms_tree, err) < 0)
		return -EACCES;
	if (c->flags & COMMAND_WRITES_KERNELS && check_writable(s->install_tree, err) < 0)
		return -EACCES;
	return 0;
}

static void add_kernel(struct session *s, const char *release, const char *arch)
{
	struct kernel *kernel = plan_kernel(&s->plan, release, arch);

	for (size_t i = 0; i < s->n_kernels; i++)
		if (s->kernels[i] == kernel)
			return;
	s->kernels = xrealloc_array(s->kernels, s->n_kernels + 1, sizeof(*s->kernels));
	s->kernels[s->n_kernels++] = kernel;
}

/* --all of a command that takes away: what the module is built for. */
static int add_built_kernels(struct session *s)
{
	struct tree_filter filter = {.name = s->args->name, .version = s->args->version};
	struct tree_list list;
	int r = tree_read(s->settings->dkms_tree, s->settings->source_tree, &filter, &list,
		&s->error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		if (list.entries[i].release)
			add_kernel(s, list.entries[i].release, list.entries[i].arch);
	tree_list_done(&list);
	return 0;
}

/* The kernels that -k, -a and --all name; without them the running one. */
static int choose_kernels(struct session *s, bool takes_away)
{
	const struct arguments *args = s->args;
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *own_arch = kernel_running_arch();
	const char *arch = args->archs.n ? args->archs.items[0] : own_arch;
	_cleanup_(strv_done) struct strv releases = {0};
	int r;

	if (args->all && takes_away)
		return add_built_kernels(s);
	if (args->all) {
		r = kernel_list_with_headers(s->settings, &releases);
		if (r < 0)
			return error_errno(&s->error, r, 1, "cannot read %s",
				s->settings->install_tree);
		for (size_t i = 0; i < releases.n; i++)
			add_kernel(s, releases.items[i], own_arch);
		return 0;
	}
	for (size_t i = 0; i < args->kernels.n; i++)
		add_kernel(s, args->kernels.items[i],
			args->archs.n > 1 ? args->archs.items[i] : arch);
	if (!args->kernels.n)
		add_kernel(s, running, arch);
	return 0;
}

static void open_cache(struct session *s)
{
	_cleanup_(error_done) struct error err = {0};

	s->cache = cache_open(s->settings->cache_dir, s->settings->cache_max_size, &err);
	if (!s->cache)
		print_warning("no cache: %s", err.what);
}

/* takes_away: what --all means; builds: the cache may be of use. */
static int session_init(struct session *s, struct arguments *args, bool takes_away,
	bool builds)
{
	*s = (struct session){.args = args, .settings = &args->settings};
	uv_loop_init(&s->loop);
	if (builds && !s->settings->no_cache && !is_empty(s->settings->cache_dir))
		open_cache(s);
	plan_init(&s->plan, &s->loop, s->settings, s->cache);
	report_init(&s->report, args->quiet, s->settings->verbose);
	s->plan.observer = report_observer(&s->report);
	if (check_arguments(args, &s->error) < 0)
		return -EINVAL;
	return choose_kernels(s, takes_away);
}

static void close_cache(struct session *s)
{
	_cleanup_free_ char *trouble = s->cache ? cache_take_trouble(s->cache) : NULL;

	if (trouble)
		print_warning("cache: %s", trouble);
	cache_close(s->cache);
}

/* Ends a command: prints what stopped it, if anything did, frees, and returns status or
 * the error's. A run that a signal cancelled ends by that signal. */
static int session_done(struct session *s, int status)
{
	int cancelled = s->plan.shared.cancelled;

	if (s->error.status) {
		print_error(&s->error);
		status = s->error.status;
	}
	for (size_t i = 0; i < s->plan.warnings.n; i++)
		print_warning("%s", s->plan.warnings.items[i]);
	error_done(&s->error);
	report_done(&s->report);
	plan_done(&s->plan);
	close_cache(s);
	uv_loop_close(&s->loop);
	free(s->kernels);
	if (cancelled) {
		fflush(stdout);
		signal(cancelled, SIG_DFL);
		raise(cancelled);
	}
	return status;
}

/* The exit status that follows from the jobs: that of the first failure; 77 when there is
 * nothing but excluded ones; else 0. */
static int jobs_status(const struct plan *p)
{
	bool excluded = false, other = false;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];

		if (!job_succeeded(job))
			return job->error.status ? job->error.status : 1;
		if (job->kind != JOB_BUILD && job->kind != JOB_INSTALL)
			continue;
		if (job->result == RESULT_EXCLUDED)
			excluded = true;
		else
			other = true;
	}
	return excluded && !other ? 77 : 0;
}

/* Runs the job that makes the module known. *ret is the job. */
static int run_add(struct session *s, bool known_is_fine, struct job **ret)
{
	struct arguments *args = s->args;
	struct job *job = plan_add(&s->plan, JOB_ADD, s->kernels[0], args->name, args->version);

	job->known_is_fine = known_is_fine;
	if (args->directory)
		job->add_from = xstrdup(args->directory);
	if (args->conf)
		job->conf_path = xstrdup(args->conf);
	*ret = job;
	return plan_run(&s->plan, &s->error);
}

static int command_add(struct arguments *args)
{
	struct session s;
	struct job *job;
	int status = 0;

	if (session_init(&s, args, false, false) == 0 && run_add(&s, false, &job) == 0)
		status = jobs_status(&s.plan);
	return session_done(&s, status);
}

/* build and install add what is not known yet. Returns 0 with the module's name and
 * version in the arguments; a negative errno when that failed, with *status set. */
static int ensure_added(struct session *s, int *status)
{
	struct arguments *args = s->args;
	struct job *job;
	int r;

	if (!args->directory && tree_state(s->settings->dkms_tree, s->settings->source_tree,
					args->name, args->version, NULL, NULL) != STATE_UNKNOWN)
		return 0;
	r = run_add(s, true, &job);
	if (r == 0 && job->result == RESULT_FAILED) {
		*status = job->error.status;
		r = -ECANCELED;
	}
	if (r == 0) {
		str_replace(&args->name, job->name);
		str_replace(&args->version, job->version);
	}
	return r;
}

/* Adds a job for each kernel, then the depmods, and runs them. */
static int run_on_kernels(struct session *s, enum job_kind kind, bool forget)
{
	struct job *last = NULL;
	size_t first = s->plan.n_jobs;

	for (size_t i = 0; i < s->n_kernels; i++)
		plan_add(&s->plan, kind, s->kernels[i], s->args->name, s->args->version);
	if (forget) {
		last = plan_add(&s->plan, JOB_FORGET, NULL, s->args->name, s->args->version);
		for (size_t i = first; s->plan.jobs[i] != last; i++)
			plan_edge(&s->plan, s->plan.jobs[i], last, EDGE_AFTER);
	}
	if (kind != JOB_BUILD)
		plan_add_depmods(&s->plan);
	return plan_run(&s->plan, &s->error);
}

static int build_or_install(struct arguments *args, enum job_kind kind)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, false, true) == 0 && ensure_added(&s, &status) == 0 &&
		run_on_kernels(&s, kind, false) == 0) {
		report_summary(&s.report, &s.plan);
		status = jobs_status(&s.plan);
	}
	return session_done(&s, status);
}

static int command_build(struct arguments *args)
{
	return build_or_install(args, JOB_BUILD);
}

static int command_install(struct arguments *args)
{
	return build_or_install(args, JOB_INSTALL);
}

static int take_away(struct arguments *args, enum job_kind kind, bool forget)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, true, false) == 0 &&
		job_check_known(s.settings, args->name, args->version, &s.error) == 0 &&
		run_on_kernels(&s, kind, forget) == 0) {
		report_summary(&s.report, &s.plan);
		status = jobs_status(&s.plan);
	}
	return session_done(&s, status);
}

static int command_uninstall(struct arguments *args)
{
	return take_away(args, JOB_UNINSTALL, false);
}

static int command_unbuild(struct arguments *args)
{
	return take_away(args, JOB_UNBUILD, false);
}

static int command_remove(struct arguments *args)
{
	return take_away(args, JOB_UNBUILD, true);
}

/* Several kernels are a chain of filters, each with its architecture or the one for all. */
static int command_status(struct arguments *args)
{
	const struct strv *kernels = &args->kernels, *archs = &args->archs;
	size_t n = kernels->n ? kernels->n : 1;
	struct tree_filter *filters = xcalloc(n, sizeof(*filters));
	int status;

	for (size_t i = 0; i < n; i++) {
		filters[i].name = args->name;
		filters[i].version = args->version;
		filters[i].release = kernels->n ? kernels->items[i] : NULL;
		if (archs->n)
			filters[i].arch = archs->items[archs->n == n ? i : 0];
		filters[i].next = i + 1 < n ? &filters[i + 1] : NULL;
	}
	status = status_print(&args->settings, filters, args->json, stdout, stderr);
	free(filters);
	return status;
}

/* 11 when something failed, except that missing headers alone are 21. */
static int autoinstall_status(const struct plan *p)
{
	int status = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		if (job_succeeded(p->jobs[i]))
			continue;
		if (p->jobs[i]->error.status != 21)
			return 11;
		status = 21;
	}
	return status;
}

static int command_autoinstall(struct arguments *args)
{
	_cleanup_(strv_done) struct strv deferred = {0}, broken = {0};
	_cleanup_free_ char *off = path_join(args->settings.config_dir, "no-autoinstall");
	struct session s;
	int status = 0;

	if (path_exists(off))
		return 0;
	if (session_init(&s, args, false, true) == 0 &&
		plan_autoinstall(&s.plan, s.kernels, s.n_kernels, &deferred, &broken,
			&s.error) == 0 &&
		plan_run(&s.plan, &s.error) == 0) {
		for (size_t i = 0; i < deferred.n; i++)
			print_warning("%s", deferred.items[i]);
		for (size_t i = 0; i < broken.n; i++)
			print_warning("%s is broken, its source is missing; skipped",
				broken.items[i]);
		report_summary(&s.report, &s.plan);
		status = autoinstall_status(&s.plan);
	}
	return session_done(&s, status);
}

#define CHANGES_TREE (COMMAND_WRITES_TREE | COMMAND_ALL_KERNELS)
#define CHANGES_KERNELS (CHANGES_TREE | COMMAND_WRITES_KERNELS)

const struct command_row commands[] = {
	{"add", "NAME/VERSION | DIRECTORY", "make a module known", command_add,
		CHANGES_TREE | COMMAND_NEEDS_MODULE},
	{"build", "NAME/VERSION | DIRECTORY", "build it, adding it first when needed",
		command_build, CHANGES_TREE | COMMAND_NEEDS_MODULE},
	{"install", "NAME/VERSION | DIRECTORY", "install it, building it first when needed",
		command_install, CHANGES_KERNELS | COMMAND_NEEDS_MODULE},
	{"uninstall", "NAME/VERSION", "take it out of the kernel's tree, leave it built",
		command_uninstall, CHANGES_KERNELS | COMMAND_NEEDS_MODULE},
	{"unbuild", "NAME/VERSION", "uninstall it and remove what was built",
		command_unbuild, CHANGES_TREE | COMMAND_NEEDS_MODULE},
	{"remove", "NAME/VERSION", "unbuild it, and forget it when no kernel is left",
		command_remove, CHANGES_TREE | COMMAND_NEEDS_MODULE},
	{"status", "[NAME[/VERSION]]", "list modules and where they are built and installed",
		command_status, 0},
	{"cache", "stats | verify | gc | clear | why", "what is kept of builds; see dkms-cache(8)",
		command_cache, COMMAND_HAS_PARTS},
	{"autoinstall", "", "install the newest version of every module that wants it",
		command_autoinstall, CHANGES_KERNELS},
	{0},
};
