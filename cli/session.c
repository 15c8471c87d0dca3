/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do all commands that run jobs have in common? From the arguments to the exit status. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "base/file.h"
#include "cache/cache.h"
#include "builder/tree/built-kernels.h"
#include "builder/tree/kernel-mark.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-fleet.h"
#include "scheduler/plan-run.h"
#include "scheduler/rebuild.h"
#include "cli/command-row.h"
#include "cli/default-kernel.h"
#include "cli/display.h"
#include "cli/eventlog.h"
#include "cli/heartbeat.h"
#include "cli/next-step.h"
#include "cli/print.h"
#include "cli/run-history-write.h"
#include "cli/json.h"
#include "cli/shard.h"
#include "cli/page.h"
#include "cli/run-json.h"
#include "cli/secureboot.h"
#include "cli/session.h"
#include "cli/trace.h"
#include "cli/words.h"

static void add_kernel(struct session *s, const char *release, const char *arch)
{
	struct kernel *kernel = plan_get_kernel(&s->plan, release, arch);

	for (size_t i = 0; i < s->n_kernels; i++)
		if (s->kernels[i] == kernel)
			return;
	s->kernels = xrealloc_array(s->kernels, s->n_kernels + 1, sizeof(*s->kernels));
	s->kernels[s->n_kernels++] = kernel;
}

/* Chooses the kernels for --all of a command that removes: those the module is built for, and those
 * that an earlier run has left unfinished. */
static int add_built_kernels(struct session *s, const char *arch)
{
	_cleanup_(strv_done) struct strv marked = {0};
	_cleanup_free_ char *dir = tree_version_dir(
		s->settings->trees.dkms, s->args->name, s->args->version);
	struct kernel_names built = {0};
	int r = built_kernels_list(AT_FDCWD, dir, &built);

	for (size_t i = 0; i < built.n; i++)
		add_kernel(s, built.items[i].release, built.items[i].arch);
	kernel_names_done(&built);
	if (r < 0)
		return error_errno(&s->error, r, 1, "cannot read %s", dir);
	/* An earlier removal may have failed after nothing was built any more. */
	r = kernel_mark_list(s->settings->trees.dkms, &marked);
	if (r < 0)
		return error_errno(
			&s->error, r, 1, "cannot read %s", s->settings->trees.dkms);
	for (size_t i = 0; i < marked.n; i++)
		add_kernel(s, marked.items[i], arch);
	return 0;
}

/* Whether a version that has lost its source, or its dkms.conf, is to be removed. It is of no
 * use for any kernel. */
static bool removes_broken(const struct session *s)
{
	const struct arguments *args = s->args;
	_cleanup_free_ char *conf = NULL;

	if (!s->settings->switches.force || !args->name || !args->version)
		return false;
	conf = xasprintf("%s/%s/%s/source/dkms.conf", s->settings->trees.dkms, args->name,
		args->version);
	return tree_version_state(s->settings->trees.dkms, s->settings->trees.source,
		       args->name, args->version) == STATE_BROKEN ||
	       path_look(conf) == 0;
}

/* Adds the kernel of a command without -k. One that removes never acts on another kernel than
 * the running one, wherever that is installed: a guess would remove what is in use. One that
 * packs what is built takes the running kernel where something is built for it. */
static void add_default_kernel(struct session *s, const char *arch, bool of_built)
{
	const struct arguments *args = s->args;
	bool removes = of_built && args->command->flags & COMMAND_WRITES_TREE;
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *built = NULL, *release = NULL;

	if (of_built && args->name && args->version)
		built = tree_built_dir(s->settings->trees.dkms,
			version_on_kernel(args->name, args->version, running, arch));
	if (removes || (built && path_look(built) != 0))
		release = xstrdup(running);
	else
		release = default_kernel_release(args, !args->quiet);
	if (removes && !args->quiet)
		default_kernel_warn_removal(args, running, arch);
	add_kernel(s, release, arch);
}

/* Chooses the part of a plan, and its kernels. */
static int choose_shard(struct session *s)
{
	const struct arguments *args = s->args;
	const json_t *cell;
	size_t i;

	if (args->all || args->kernels.n)
		return error_set(&s->error, -EINVAL, 2,
			"the plan says for which kernels: --plan cannot be combined with -k and --all");
	s->shard = shard_read(args, &s->error);
	if (!s->shard)
		return -EINVAL;
	s->plan.wants = shard_has;
	s->plan.wants_data = s->shard;
	json_array_foreach(s->shard->cells, i, cell)
		add_kernel(s, json_string_value(json_object_get(cell, "kernel")),
			json_string_value(json_object_get(cell, "arch")));
	return 0;
}

/* Chooses the kernels that -k, -a and --all name; without them, the default one. */
static int choose_kernels(struct session *s, bool removes)
{
	const struct arguments *args = s->args;
	_cleanup_free_ char *own_arch = kernel_running_arch();
	const char *arch = args->archs.n ? args->archs.items[0] : own_arch;
	_cleanup_(strv_done) struct strv releases = {0};
	int r;

	if (args->plan || args->shard)
		return choose_shard(s);
	if (removes && (args->all || (!args->kernels.n && removes_broken(s))))
		return add_built_kernels(s, arch);
	if (args->all) {
		r = kernel_list_with_headers(s->settings, &releases);
		if (r < 0)
			return error_errno(&s->error, r, 1, "cannot read %s",
				s->settings->trees.install);
		for (size_t i = 0; i < releases.n; i++)
			add_kernel(s, releases.items[i], own_arch);
		return 0;
	}
	for (size_t i = 0; i < args->kernels.n; i++)
		add_kernel(s, args->kernels.items[i],
			args->archs.n > 1 ? args->archs.items[i] : arch);
	if (!args->kernels.n)
		add_default_kernel(s, arch, removes);
	return 0;
}

void session_open_cache(struct session *s)
{
	_cleanup_(error_done) struct error err = {0};

	if (s->cache || s->settings->cache.disabled || is_empty(s->settings->cache.dir))
		return;
	s->cache = cache_open(
		s->settings->cache.dir, s->settings->cache.max_size_bytes, &err);
	if (s->cache)
		plan_use_cache(&s->plan, s->cache);
	else
		print_warning("the cache is not used: %s", err.what);
}

/* Creates the report, the display, the event log and the trace that the arguments ask for, and
 * connects them to the events. */
static int add_listeners(struct session *s)
{
	const struct arguments *args = s->args;

	events_init(&s->events, &s->plan, args->command->name);
	report_init(&s->report, args->quiet || arguments_need_stdout(args));
	s->report.debug = args->debug;
	s->report.explain = args->settings.switches.explain;
	s->report.dry_run = args->settings.switches.dry_run;
	events_add_listener(&s->events, report_listener(&s->report));
	if (!s->report.quiet && !args->debug && !s->report.dry_run && display_possible()) {
		s->display = display_new(&s->loop);
		s->report.display = s->display;
		events_add_listener(&s->events, display_listener(s->display));
	} else if (!s->report.quiet && !args->debug && !s->report.dry_run) {
		s->heartbeat = heartbeat_new(&s->loop);
	}
	if (s->heartbeat)
		events_add_listener(&s->events, heartbeat_listener(s->heartbeat));
	if (settings_history_path(s->settings) && !s->report.dry_run)
		events_add_listener(&s->events, run_history_listener(args));
	if (args->events && eventlog_open(args->events, &s->eventlog, &s->error) < 0)
		return -EIO;
	if (s->eventlog)
		events_add_listener(&s->events, eventlog_listener(s->eventlog));
	if (args->trace && trace_open(args->trace, &s->trace, &s->error) < 0)
		return -EIO;
	if (s->trace)
		events_add_listener(&s->events, trace_listener(s->trace));
	return 0;
}

int session_init(struct session *s, struct arguments *args, bool removes)
{
	*s = (struct session){.args = args, .settings = &args->settings};
	if (uv_loop_init(&s->loop) < 0) {
		fputs("dkms: no jobs can be started: out of files or memory\n", stderr);
		exit(1);
	}
	plan_init(&s->plan, &s->loop, s->settings);
	if (!args->ignores_make_slots) {
		s->plan.slots = args->make_slots;
		s->plan.make_slots_unreachable = args->make_slots_unreachable;
	}
	if (add_listeners(s) < 0 || arguments_check(args, &s->error) < 0)
		return -EINVAL;
	if (args->command->flags & COMMAND_TAKES_ARCHIVE && args->archive &&
		!arguments_are_archive(args))
		print_warning("%s is not read, because a module is named too", args->archive);
	if (!s->settings->switches.dry_run)
		leftovers_remove(s->settings);
	return choose_kernels(s, removes);
}

static void close_cache(struct session *s)
{
	_cleanup_free_ char *trouble = s->cache ? cache_take_problem(s->cache) : NULL;

	if (trouble)
		print_warning("cache: %s", trouble);
	cache_close(s->cache);
}

/* Writes what --json and --html ask for. Returns 0, or a negative errno and err. */
static int write_documents(const struct session *s, struct error *err)
{
	json_t *document;
	int r = 0;

	if (!s->args->json && !s->args->html)
		return 0;
	document = run_json_make(&s->events, &s->error);
	if (s->shard)
		json_object_set_new(document, "plan", shard_describe(s->shard, s->settings));
	if (s->args->json)
		json_print(document, stdout);
	if (s->args->html)
		r = page_write(s->args->html, document, err);
	json_decref(document);
	return r;
}

/* Sends the last event and closes all listeners. Returns status, or the status of an error if
 * status is 0 and a file could not be written completely. */
static int close_listeners(struct session *s, int status)
{
	_cleanup_(error_done) struct error err = {0};
	int r;

	events_end(&s->events, status);
	display_free(s->display);
	heartbeat_free(s->heartbeat);
	r = write_documents(s, &err);
	if (eventlog_close(s->eventlog, &err) < 0)
		r = -EIO;
	if (trace_close(s->trace, &err) < 0 || r < 0) {
		print_error(&err);
		status = status ? status : err.status;
	}
	return status;
}

bool session_counts(const struct session *s, const struct job *job)
{
	const struct arguments *args = s->args;

	return !(args->as_hook || args->command->flags & COMMAND_MAY_FAIL) ||
	       !job_may_fail(job);
}

/* Names the jobs whose failures the exit status leaves out. It is printed with --quiet, too. */
static void print_left_out(const struct session *s)
{
	_cleanup_(strv_done) struct strv titles = {0};
	_cleanup_free_ char *all = NULL;

	for (size_t i = 0; i < s->plan.n_jobs; i++)
		if (!job_succeeded(s->plan.jobs[i]) &&
			!session_counts(s, s->plan.jobs[i]))
			strv_take(&titles, job_title(s->plan.jobs[i]));
	if (!titles.n || s->plan.shared.stop.signal)
		return;
	all = strv_join(&titles, ", ");
	print_warning("failed, but on_failure=warn keeps it out of the exit status: %s", all);
}

/* Says so if the kernel that modules were installed for may not load them. */
static void warn_of_secure_boot(const struct session *s)
{
	for (size_t i = 0; i < s->plan.n_jobs; i++) {
		const struct job *job = s->plan.jobs[i];

		if ((job->kind == JOB_INSTALL || job->kind == JOB_SIGN) &&
			job->outcome.result == RESULT_DONE && !s->settings->switches.dry_run) {
			secureboot_warn(s->settings, job->kernel->release);
			return;
		}
	}
}

int session_done(struct session *s, int status)
{
	int cancelled = s->plan.shared.stop.signal;

	plan_close_fleet(&s->plan);
	display_clear(s->display);
	report_failures(&s->report, &s->plan);
	print_left_out(s);
	if (s->error.status) {
		print_error(&s->error);
		status = s->error.status;
	}
	report_plan_warnings(&s->report, &s->plan);
	if (s->settings->switches.verbose)
		report_remote(&s->report, &s->plan);
	warn_of_secure_boot(s);
	if (!cancelled && (s->args->as_hook || s->args->command->flags & COMMAND_EXACT_KERNEL))
		next_step_print(&s->plan, status != 0);
	if (cancelled)
		status = 128 + cancelled; /* what a shell makes of the end by a signal */
	status = close_listeners(s, status);
	error_done(&s->error);
	report_done(&s->report);
	plan_free_fleet(s->plan.fleet);
	plan_done(&s->plan);
	shard_free(s->shard);
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

int session_exit_status(const struct session *s)
{
	const struct plan *p = &s->plan;
	bool excluded = false, other = false;
	int blocked = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];

		if (!job_succeeded(job) && !session_counts(s, job)) {
			other = true;
			continue;
		}
		if (job->outcome.result == RESULT_FAILED)
			return job->outcome.error.status ? job->outcome.error.status : 1;
		if (job->outcome.result == RESULT_BLOCKED && !blocked)
			blocked = job->outcome.error.status; /* a needed job failed, or a cycle */
		if (!job_builds(job))
			continue;
		if (job->outcome.result == RESULT_EXCLUDED)
			excluded = true;
		else
			other = true;
	}
	if (blocked)
		return blocked;
	return excluded && !other ? 77 : 0;
}

/* Which modules must be rebuilt (BUILD_DEPENDS_REBUILD) is known only after the others are
 * installed, so the plan then runs twice. depmod runs at the end, once for each kernel. */
int session_run_installs(struct session *s)
{
	int r = 0;

	if (s->plan.n_jobs_run == s->plan.n_jobs && !plan_needs_depmod(&s->plan))
		return 0; /* nothing to install */
	session_open_cache(s);
	if (s->plan.n_jobs_run < s->plan.n_jobs && rebuild_is_possible(s->settings)) {
		r = plan_run(&s->plan, &s->error);
		if (r == 0)
			r = rebuild_add_jobs(&s->plan, &s->error);
	}
	if (r == 0) {
		plan_add_depmods(&s->plan);
		r = plan_run(&s->plan, &s->error);
	}
	return r;
}
