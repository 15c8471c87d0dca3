/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: each turns the arguments into jobs of a plan, runs it and reports. */
#include "config.h"

#include <errno.h>
#include <signal.h>

#include "base/file.h"
#include "builder/keypair.h"
#include "builder/tree.h"
#include "builder/upgrade.h"
#include "cache/cache.h"
#include "cli/cache.h"
#include "cli/commands.h"
#include "cli/eventlog.h"
#include "cli/groups.h"
#include "cli/rundoc.h"
#include "cli/status.h"
#include "cli/trace.h"
#include "scheduler/rebuild.h"
#include "scheduler/transaction.h"

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

static int check_name(const char *what, const char *name, int status, struct error *err)
{
	int r = tree_check_name(what, name, err);

	if (r < 0 && err)
		err->status = status;
	return r;
}

/* The arguments name no module but an archive to take it from. */
static bool is_from_archive(const struct arguments *args)
{
	return args->command->flags & COMMAND_TAKES_ARCHIVE && args->archive &&
	       !args->directory && is_empty(args->name) && is_empty(args->version);
}

/* What can be said against the arguments before anything is done. */
static int check_arguments(const struct arguments *args, struct error *err)
{
	const struct command_row *c = args->command;
	const struct settings *s = &args->settings;

	if (args->json && args->events && streq(args->events, "-"))
		return error_set(err, -EINVAL, 2, "--json and --events - exclude each other");
	if (args->all && args->kernels.n)
		return error_set(err, -EINVAL, 2, "--all and -k exclude each other");
	if (args->all && args->archs.n)
		return error_set(err, -EINVAL, 3, "--all and -a exclude each other");
	if (c->flags & COMMAND_EXACT_KERNEL && !args->all && args->kernels.n != 1)
		return error_set(err, -EINVAL, 4, "%s needs exactly one -k", c->name);
	if (args->all && !(c->flags & COMMAND_ALL_KERNELS))
		return error_set(err, -EINVAL, 5, "--all has no meaning for %s", c->name);
	if (args->archs.n > 1 && args->archs.n != args->kernels.n)
		return error_set(err, -EINVAL, 1, "%zu architectures for %zu kernels",
			args->archs.n, args->kernels.n);
	if (c->flags & COMMAND_NEEDS_MODULE && !args->directory && !is_from_archive(args) &&
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
		if (check_name("kernel release", args->kernels.items[i], 16, err) < 0)
			return -EINVAL;
	for (size_t i = 0; i < args->archs.n; i++)
		if (check_name("architecture", args->archs.items[i], 12, err) < 0)
			return -EINVAL;
	if (s->dry_run && (args->archive || !(c->flags & COMMAND_DRY_RUN)))
		return error_set(err, -EINVAL, 2, "--dry-run has no meaning for %s%s", c->name,
			args->archive ? " of an archive" : "");
	if (s->dry_run)
		return 0;
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

/* For what is about to be built. */
static void prepare_builds(struct session *s)
{
	_cleanup_(error_done) struct error err = {0};

	if (!s->mark.path && !s->settings->dry_run)
		sweep_mark(s->settings->dkms_tree, &s->mark);
	if (s->cache || s->settings->no_cache || is_empty(s->settings->cache_dir))
		return;
	s->cache = cache_open(s->settings->cache_dir, s->settings->cache_max_size, &err);
	if (s->cache)
		plan_use_cache(&s->plan, s->cache);
	else
		print_warning("no cache: %s", err.what);
}

/* Who listens to the events of the run. What a program reads from standard output has it
 * for itself. */
static int add_listeners(struct session *s)
{
	const struct arguments *args = s->args;
	bool taken = args->json || (args->events && streq(args->events, "-"));

	events_init(&s->events, &s->plan, args->command->name);
	report_init(&s->report, args->quiet || taken, s->settings->verbose);
	s->report.debug = args->debug;
	s->report.explain = args->settings.explain;
	s->report.dry_run = args->settings.dry_run;
	events_listen(&s->events, report_listener(&s->report));
	if (!s->report.quiet && !args->debug && !s->report.dry_run && display_possible()) {
		s->display = display_new(&s->loop);
		s->report.display = s->display;
		events_listen(&s->events, display_listener(s->display));
	}
	if (args->events && eventlog_open(args->events, &s->eventlog, &s->error) < 0)
		return -EIO;
	if (s->eventlog)
		events_listen(&s->events, eventlog_listener(s->eventlog));
	if (args->trace && trace_open(args->trace, &s->trace, &s->error) < 0)
		return -EIO;
	if (s->trace)
		events_listen(&s->events, trace_listener(s->trace));
	return 0;
}

int session_init(struct session *s, struct arguments *args, bool takes_away)
{
	*s = (struct session){.args = args, .settings = &args->settings};
	uv_loop_init(&s->loop);
	plan_init(&s->plan, &s->loop, s->settings);
	if (!args->own_slots) {
		s->plan.slots = args->outer_slots;
		s->plan.slots_lost = args->outer_slots_lost;
	}
	if (add_listeners(s) < 0 || check_arguments(args, &s->error) < 0)
		return -EINVAL;
	if (args->command->flags & COMMAND_TAKES_ARCHIVE && args->archive &&
		!is_from_archive(args))
		print_warning("%s is not read, as the module is named as well", args->archive);
	if (args->command->flags & COMMAND_BUILDS && !s->settings->dry_run)
		sweep_builds(s->settings->dkms_tree);
	return choose_kernels(s, takes_away);
}

static void close_cache(struct session *s)
{
	_cleanup_free_ char *trouble = s->cache ? cache_take_trouble(s->cache) : NULL;

	if (trouble)
		print_warning("cache: %s", trouble);
	cache_close(s->cache);
}

/* Ends the stream of events. A file that is not whole fails what went well else. */
static int close_listeners(struct session *s, int status)
{
	_cleanup_(error_done) struct error err = {0};
	int r;

	events_end(&s->events, status);
	display_free(s->display);
	if (s->args->json)
		rundoc_print(&s->events, &s->error, stdout);
	r = eventlog_close(s->eventlog, &err);
	if (trace_close(s->trace, &err) < 0 || r < 0) {
		print_error(&err);
		status = status ? status : err.status;
	}
	return status;
}

int session_done(struct session *s, int status)
{
	int cancelled = s->plan.shared.cancelled;

	display_clear(s->display);
	report_failures(&s->report, &s->plan);
	if (s->error.status) {
		print_error(&s->error);
		status = s->error.status;
	}
	for (size_t i = 0; i < s->plan.warnings.n; i++)
		print_warning("%s", s->plan.warnings.items[i]);
	status = close_listeners(s, status);
	error_done(&s->error);
	report_done(&s->report);
	plan_done(&s->plan);
	close_cache(s);
	sweep_unmark(&s->mark);
	uv_loop_close(&s->loop);
	free(s->kernels);
	if (cancelled) {
		fflush(stdout);
		signal(cancelled, SIG_DFL);
		raise(cancelled);
	}
	return status;
}

int jobs_status(const struct plan *p)
{
	bool excluded = false, other = false;
	int blocked = 0;

	for (size_t i = 0; i < p->n_jobs; i++) {
		const struct job *job = p->jobs[i];

		if (job->result == RESULT_FAILED)
			return job->error.status ? job->error.status : 1;
		if (job->result == RESULT_BLOCKED && !blocked)
			blocked = job->error.status; /* by one that failed, or by a circle */
		if (!job_builds(job))
			continue;
		if (job->result == RESULT_EXCLUDED)
			excluded = true;
		else
			other = true;
	}
	if (blocked)
		return blocked;
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
	else if (is_from_archive(args))
		job->archive = xstrdup(args->archive);
	if (args->conf)
		job->conf_path = xstrdup(args->conf);
	*ret = job;
	return plan_run(&s->plan, &s->error);
}

static int command_autoinstall(struct arguments *args);

static bool is_rpm(const struct arguments *args)
{
	return is_from_archive(args) && has_suffix(args->archive, ".rpm");
}

/* A package that holds modules is for rpm; autoinstall does the rest. */
static int run_rpm(const struct arguments *args, struct error *err)
{
	_cleanup_(outcome_done) struct outcome outcome = {0};
	_cleanup_(command_done) struct command cmd = {.log_fd = -1};
	_cleanup_free_ char *how = NULL;
	uv_loop_t loop;
	bool taken; /* standard output, by what a program reads */
	int r = check_arguments(args, err);

	if (r < 0)
		return r;
	if (!path_is_file(args->archive))
		return error_set(err, -ENOENT, 2, "there is no archive %s", args->archive);
	fflush(stdout);
	command_init(&cmd);
	strv_push_all(&cmd.argv,
		(const char *const[]){"rpm", "-Uvh", "--", args->archive, NULL});
	taken = args->json || (args->events && streq(args->events, "-"));
	cmd.log_fd = args->quiet || taken ? -1 : STDOUT_FILENO;
	uv_loop_init(&loop);
	r = runner_command(&loop, &cmd, &outcome);
	uv_loop_close(&loop);
	if (r == 0 && outcome_ok(&outcome))
		return 0;
	fwrite(outcome.err.data, 1, outcome.err.len, stderr);
	how = outcome_describe(&outcome, &cmd);
	return error_set(err, -EIO, 9, "cannot install %s: rpm %s", args->archive,
		r < 0 ? strerror(-r) : how);
}

static int install_rpm(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (run_rpm(args, &err) < 0) {
		print_error(&err);
		return err.status;
	}
	return command_autoinstall(args);
}

static int command_add(struct arguments *args)
{
	struct session s;
	struct job *job;
	int status = 0;

	if (is_rpm(args))
		return install_rpm(args);
	if (session_init(&s, args, false) == 0 && run_add(&s, false, &job) == 0)
		status = jobs_status(&s.plan);
	return session_done(&s, status);
}

static int command_ldtarball(struct arguments *args)
{
	_cleanup_(error_done) struct error err = {0};

	if (!args->archive) {
		error_set(&err, -ENOENT, 2, "ldtarball needs an archive");
		error_remedy(&err, "dkms ldtarball FILE");
		print_error(&err);
		return err.status;
	}
	/* What is in it says what it is called. */
	str_replace(&args->name, NULL);
	str_replace(&args->version, NULL);
	return command_add(args);
}

/* build and install add what is not known yet. Returns 0 with the module's name and
 * version in the arguments; a negative errno when that failed, with *status set. */
static int ensure_added(struct session *s, int *status)
{
	struct arguments *args = s->args;
	struct job *job;
	int r;

	if (!args->directory && !is_from_archive(args) &&
		tree_state(s->settings->dkms_tree, s->settings->source_tree,
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
	/* Nothing more can be known before it is added. */
	if (r == 0 && s->settings->dry_run)
		r = -ECANCELED;
	return r;
}

/* What may have to be rebuilt is known when all else is installed, and depmod comes last.
 * Where there is no such package, one run of the plan does. */
int session_run_installs(struct session *s)
{
	int r = 0;

	if (s->plan.n_run == s->plan.n_jobs)
		return 0; /* nothing to install */
	prepare_builds(s);
	if (rebuild_is_possible(s->settings)) {
		r = plan_run(&s->plan, &s->error);
		if (r == 0)
			r = rebuild_add(&s->plan, &s->error);
	}
	if (r == 0) {
		plan_add_depmods(&s->plan);
		r = plan_run(&s->plan, &s->error);
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
	if (kind == JOB_INSTALL)
		return session_run_installs(s);
	if (kind == JOB_BUILD)
		prepare_builds(s);
	else
		plan_add_depmods(&s->plan);
	return plan_run(&s->plan, &s->error);
}

static int build_or_install(struct arguments *args, enum job_kind kind)
{
	struct session s;
	int status = 0;

	if (is_rpm(args))
		return install_rpm(args);
	if (session_init(&s, args, false) == 0 && ensure_added(&s, &status) == 0 &&
		run_on_kernels(&s, kind, false) == 0) {
		if (kind == JOB_INSTALL)
			transaction_end(&s.plan, NULL);
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

	if (session_init(&s, args, true) == 0 &&
		job_check_known(s.settings, args->name, args->version, &s.error) == 0 &&
		run_on_kernels(&s, kind, forget) == 0) {
		transaction_end(&s.plan, s.kernels ? s.kernels[0] : NULL);
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
	const struct settings *s = &args->settings;

	/* check_arguments has not seen the names yet; what cannot be one has no mark. */
	if (s->rpm_safe_upgrade && args->name && args->version &&
		tree_check_name("module name", args->name, NULL) == 0 &&
		tree_check_name("module version", args->version, NULL) == 0 &&
		upgrade_take_mark(s->dkms_tree, args->name, args->version)) {
		if (!args->quiet)
			printf("dkms: %s/%s: kept, this upgrade has added it again\n",
				args->name, args->version);
		return 0;
	}
	return take_away(args, JOB_UNBUILD, true);
}

static int run_pack(struct session *s)
{
	struct arguments *args = s->args;
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *arch = kernel_running_arch();
	struct kernel *kernel =
		s->n_kernels ? s->kernels[0] : plan_kernel(&s->plan, running, arch);
	struct job *job = plan_add(&s->plan, JOB_PACK, kernel, args->name, args->version);

	job->conf_path = xstrdup(args->conf);
	job->pack.path = xstrdup(args->archive);
	job->pack.source_only = args->source_only;
	job->pack.binaries_only = args->binaries_only;
	for (size_t i = 0; i < s->n_kernels; i++)
		strv_pushf(&job->pack.kernels, "%s/%s", s->kernels[i]->release,
			s->kernels[i]->arch);
	return plan_run(&s->plan, &s->error);
}

static int command_mktarball(struct arguments *args)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, true) == 0 &&
		job_check_known(s.settings, args->name, args->version, &s.error) == 0 &&
		run_pack(&s) == 0)
		status = jobs_status(&s.plan);
	return session_done(&s, status);
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
	if (session_init(&s, args, false) == 0 &&
		plan_autoinstall(&s.plan, s.kernels, s.n_kernels, &deferred, &broken,
			&s.error) == 0 &&
		session_run_installs(&s) == 0) {
		transaction_end(&s.plan, NULL);
		for (size_t i = 0; args->settings.explain && !s.report.quiet && i < s.plan.notes.n; i++)
			printf("%s%s\n", s.settings->dry_run ? "" : "dkms: ",
				s.plan.notes.items[i]);
		for (size_t i = 0; i < deferred.n; i++)
			print_warning("%s", deferred.items[i]);
		for (size_t i = 0; i < broken.n; i++)
			print_warning("%s is broken, its source is missing; skipped",
				broken.items[i]);
		if (!s.report.quiet)
			groups_print(&s.plan, &deferred, &broken, stdout);
		report_summary(&s.report, &s.plan);
		status = autoinstall_status(&s.plan);
	}
	return session_done(&s, status);
}

/* Makes the key pair now that the first signed build would make. */
static int command_generate_mok(struct arguments *args)
{
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_(error_done) struct error err = {0};
	struct keypair pair;
	bool made = false;

	keypair_choose(&args->settings, args->kernels.n ? args->kernels.items[0] : running, &pair);
	if (keypair_ensure(&pair, &made, &err) < 0)
		print_error(&err);
	else if (!args->quiet && made)
		printf("made the key %s and its certificate %s\n"
		       "to enroll it: mokutil --import %s\n",
			pair.key, pair.certificate, pair.certificate);
	else if (!args->quiet)
		printf("the key %s and its certificate %s are there\n", pair.key,
			pair.certificate);
	keypair_done(&pair);
	return err.status;
}

#define CHANGES_TREE (COMMAND_WRITES_TREE | COMMAND_ALL_KERNELS)
#define NEEDS_SOURCE (COMMAND_NEEDS_MODULE | COMMAND_TAKES_ARCHIVE)
#define CHANGES_KERNELS (CHANGES_TREE | COMMAND_WRITES_KERNELS)
#define KERNEL_HOOK (COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_EXACT_KERNEL)

const struct command_row commands[] = {
	{"add", "NAME/VERSION | DIRECTORY | ARCHIVE", "make a module known", command_add,
		CHANGES_TREE | NEEDS_SOURCE | COMMAND_DRY_RUN},
	{"build", "NAME/VERSION | DIRECTORY | ARCHIVE", "build it, adding it first when needed",
		command_build, CHANGES_TREE | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"install", "NAME/VERSION | DIRECTORY | ARCHIVE",
		"install it, building it first when needed", command_install,
		CHANGES_KERNELS | NEEDS_SOURCE | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"uninstall", "NAME/VERSION", "take it out of the kernel's tree, leave it built",
		command_uninstall, CHANGES_KERNELS | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"unbuild", "NAME/VERSION", "uninstall it and remove what was built",
		command_unbuild, CHANGES_TREE | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"remove", "NAME/VERSION", "unbuild it, and forget it when no kernel is left",
		command_remove, CHANGES_TREE | COMMAND_NEEDS_MODULE | COMMAND_DRY_RUN},
	{"mktarball", "NAME/VERSION", "pack its source and what is built of it into an archive",
		command_mktarball, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
	{"ldtarball", "ARCHIVE", "add what mktarball has packed, or any source in a tar archive",
		command_ldtarball,
		COMMAND_WRITES_TREE | COMMAND_TAKES_ARCHIVE | COMMAND_ARCHIVE_ONLY},
	{"status", "[NAME[/VERSION]]", "list modules and where they are built and installed",
		command_status, 0},
	{"cache", "stats | verify | gc | clear | why", "what is kept of builds; see dkms-cache(8)",
		command_cache, COMMAND_HAS_PARTS},
	{"autoinstall", "", "install the newest version of every module that wants it",
		command_autoinstall, CHANGES_KERNELS | COMMAND_BUILDS | COMMAND_DRY_RUN},
	{"generate_mok", "", "make the key pair that signs modules", command_generate_mok, 0},
	{"match", "[NAME]", "install on a kernel what is installed on --templatekernel",
		command_match, COMMAND_WRITES_TREE | COMMAND_WRITES_KERNELS | COMMAND_BUILDS},
	{"kernel_preinst", "", "before a kernel: unbuild what autoinstall will bring back",
		command_kernel_preinst, KERNEL_HOOK},
	{"kernel_postinst", "", "after a kernel: autoinstall", command_autoinstall,
		KERNEL_HOOK | COMMAND_BUILDS},
	{"kernel_prerm", "", "when a kernel goes: unbuild every module",
		command_kernel_prerm, KERNEL_HOOK},
	{0},
};
