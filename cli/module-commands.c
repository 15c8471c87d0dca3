/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands: each turns the arguments into jobs of a plan, runs it and reports. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/keypair.h"
#include "builder/tree/tree.h"
#include "builder/tree/upgrade-mark.h"
#include "scheduler/autoinstall.h"
#include "scheduler/depmods.h"
#include "scheduler/plan-run.h"
#include "scheduler/post-transaction.h"
#include "scheduler/runner.h"
#include "cli/autoinstall.h"
#include "cli/cache.h"
#include "cli/module-commands.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/status.h"

/* Runs the job that makes the module known. *ret is the job. */
static int run_add(struct session *s, bool known_is_fine, struct job **ret)
{
	struct arguments *args = s->args;
	struct job *job =
		plan_add_job(&s->plan, JOB_ADD, s->kernels[0], args->name, args->version);

	job->known_is_fine = known_is_fine;
	if (args->directory)
		job->add_from = xstrdup(args->directory);
	else if (arguments_are_archive(args))
		job->archive = xstrdup(args->archive);
	if (args->conf)
		job->conf_path = xstrdup(args->conf);
	*ret = job;
	return plan_run(&s->plan, &s->error);
}

static int command_autoinstall(struct arguments *args);

static bool is_rpm(const struct arguments *args)
{
	return arguments_are_archive(args) && has_suffix(args->archive, ".rpm");
}

/* A package that holds modules is for rpm; autoinstall does the rest. */
static int run_rpm(const struct arguments *args, struct error *err)
{
	_cleanup_(outcome_done) struct outcome outcome = {0};
	_cleanup_(command_done) struct command cmd = {.log_fd = -1};
	_cleanup_free_ char *how = NULL;
	uv_loop_t loop;
	bool taken; /* standard output, by what a program reads */
	int r = arguments_check(args, err);

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
	r = runner_run_command(&loop, &cmd, &outcome);
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

	if (!args->directory && !arguments_are_archive(args) &&
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

/* Adds a job for each kernel, then the depmods, and runs them. */
static int run_on_kernels(struct session *s, enum job_kind kind, bool forget)
{
	struct job *last = NULL;
	size_t first = s->plan.n_jobs;

	for (size_t i = 0; i < s->n_kernels; i++)
		plan_add_job(
			&s->plan, kind, s->kernels[i], s->args->name, s->args->version);
	if (forget) {
		last = plan_add_job(
			&s->plan, JOB_FORGET, NULL, s->args->name, s->args->version);
		for (size_t i = first; s->plan.jobs[i] != last; i++)
			plan_add_edge(&s->plan, s->plan.jobs[i], last, EDGE_AFTER);
	}
	if (kind == JOB_INSTALL)
		return session_run_installs(s);
	if (kind == JOB_BUILD)
		session_prepare_builds(s);
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
			post_transaction_run(&s.plan, NULL);
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
		post_transaction_run(&s.plan, s.kernels ? s.kernels[0] : NULL);
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

	/* arguments_check has not seen the names yet; what cannot be one has no mark. */
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

/* Packs what is built for n of the session's kernels from the first one on. */
static void add_pack(struct session *s, enum pack_format format, size_t first, size_t n)
{
	struct arguments *args = s->args;
	_cleanup_free_ char *running = kernel_running_release();
	_cleanup_free_ char *arch = kernel_running_arch();
	struct kernel *kernel =
		n ? s->kernels[first] : plan_get_kernel(&s->plan, running, arch);
	struct job *job =
		plan_add_job(&s->plan, JOB_PACK, kernel, args->name, args->version);

	job->conf_path = xstrdup(args->conf);
	job->pack.format = format;
	job->pack.path = xstrdup(args->archive);
	job->pack.source_only = args->source_only;
	job->pack.binaries_only = args->binaries_only;
	for (size_t i = first; i < first + n; i++)
		strv_pushf(&job->pack.kernels, "%s/%s", s->kernels[i]->release,
			s->kernels[i]->arch);
}

/* All in one tarball, the source in one package, or what is built in one for each kernel. */
static int run_pack(struct session *s, enum pack_format format)
{
	struct arguments *args = s->args;

	if (format == PACK_TARBALL || !args->binaries_only || !s->n_kernels) {
		add_pack(s, format, 0, s->n_kernels);
		return plan_run(&s->plan, &s->error);
	}
	if (args->archive && s->n_kernels > 1)
		return error_set(&s->error, -EINVAL, 2,
			"--archive names one package, and there is one for each of %zu kernels",
			s->n_kernels);
	for (size_t i = 0; i < s->n_kernels; i++)
		add_pack(s, format, i, 1);
	return plan_run(&s->plan, &s->error);
}

static int make_archive(struct arguments *args, enum pack_format format)
{
	struct session s;
	int status = 0;

	if (session_init(&s, args, true) == 0 &&
		job_check_known(s.settings, args->name, args->version, &s.error) == 0 &&
		run_pack(&s, format) == 0)
		status = jobs_status(&s.plan);
	return session_done(&s, status);
}

static int command_mktarball(struct arguments *args)
{
	return make_archive(args, PACK_TARBALL);
}

/* The source is for every kernel. */
static int make_package(struct arguments *args, enum pack_format format)
{
	if (!args->binaries_only && !args->source_only && (args->kernels.n || args->all))
		print_warning("%s packs the source alone, whatever the kernels are: what is "
			      "built takes --binaries-only", args->command->name);
	args->source_only = !args->binaries_only;
	return make_archive(args, format);
}

static int command_mkdeb(struct arguments *args)
{
	return make_package(args, PACK_DEB);
}

static int command_mkrpm(struct arguments *args)
{
	return make_package(args, PACK_RPM);
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
		post_transaction_run(&s.plan, NULL);
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
	{"mkdeb", "NAME/VERSION", "make a Debian package of its source, or of what is built",
		command_mkdeb, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
	{"mkrpm", "NAME/VERSION", "make an RPM package of its source, or of what is built",
		command_mkrpm, COMMAND_ALL_KERNELS | COMMAND_NEEDS_MODULE},
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
