/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine of a job: one table of states, one function that sets the state. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "base/parallel.h"
#include "builder/host/force-list.h"
#include "builder/tree/tree.h"
#include "builder/job/phase.h"
#include "builder/install/depmod.h"

#define CONF_SECONDS 10 /* what a dkms.conf may take */

/* Sets of kinds of job. */
#define ON(kind) (1u << (kind))
#define BUILDS (ON(JOB_BUILD) | ON(JOB_INSTALL))
#define REMOVES (ON(JOB_UNINSTALL) | ON(JOB_UNBUILD))
#define KEYED (BUILDS | ON(JOB_EXPLAIN))
#define READS_CONF                                                                        \
	(ON(JOB_EVALUATE) | ON(JOB_EXPLAIN) | ON(JOB_ADD) | ON(JOB_PACK) | BUILDS | REMOVES)

static const struct {
	const char *name; /* for a person */
	unsigned int kinds;
	enum phase (*enter)(struct job *job);
	enum phase (*leave)(struct job *job, const struct outcome *outcome); /* may be NULL */
} table[] = {
	[JOB_LOOKING] = {"look", BUILDS | REMOVES, look_enter, NULL},
	[JOB_LOADING] = {"unpack", ON(JOB_ADD), load_enter, NULL},
	[JOB_EVALUATING] = {"conf", READS_CONF, evaluate_enter, evaluate_leave},
	[JOB_PACKING] = {"pack", ON(JOB_PACK), pack_enter, NULL},
	[JOB_PACKAGING] = {"package", ON(JOB_PACK), package_enter, package_leave},
	[JOB_DELIVERING] = {"deliver", ON(JOB_PACK), deliver_enter, NULL},
	[JOB_REGISTERING] = {"add", ON(JOB_ADD), register_enter, NULL},
	[JOB_POST_ADD] = {"POST_ADD", ON(JOB_ADD), post_add_enter, script_leave},
	[JOB_CHECKING] = {"check", KEYED, check_enter, NULL},
	[JOB_WAITING] = {"wait", BUILDS, wait_enter, wait_leave},
	[JOB_FINGERPRINTING] = {"fingerprint", KEYED, fingerprint_enter, NULL},
	[JOB_RESTORING] = {"restore", BUILDS, restore_enter, NULL},
	[JOB_COPYING] = {"copy", BUILDS, copy_enter, NULL},
	[JOB_PATCHING] = {"patch", BUILDS, patch_enter, patch_leave},
	[JOB_PRE_BUILD] = {"PRE_BUILD", BUILDS, pre_build_enter, pre_build_leave},
	[JOB_LINKING] = {"link", BUILDS, link_enter, NULL},
	[JOB_MAKING] = {"make", BUILDS, make_enter, make_leave},
	[JOB_STRIPPING] = {"strip", BUILDS, strip_enter, strip_leave},
	[JOB_COLLECTING] = {"collect", BUILDS, collect_enter, NULL},
	[JOB_STORING] = {"store", BUILDS, store_enter, NULL},
	[JOB_PREPARING_SIGNATURES] = {"sign", BUILDS, prepare_signatures_enter, NULL},
	[JOB_SIGNING] = {"sign", BUILDS, sign_enter, sign_leave},
	[JOB_FINISHING] = {"compress", BUILDS, finish_enter, NULL},
	[JOB_POST_BUILD] = {"POST_BUILD", BUILDS, post_build_enter, post_build_leave},
	[JOB_PUBLISHING] = {"publish", BUILDS, publish_enter, NULL},
	[JOB_PRE_INSTALL] = {"PRE_INSTALL", ON(JOB_INSTALL), pre_install_enter,
		pre_install_leave},
	[JOB_INSTALLING] = {"install", ON(JOB_INSTALL), install_enter, NULL},
	[JOB_POST_INSTALL] = {"POST_INSTALL", ON(JOB_INSTALL), post_install_enter,
		script_leave},
	[JOB_UNINSTALLING] = {"uninstall", REMOVES, uninstall_enter, NULL},
	[JOB_POST_REMOVE] = {"POST_REMOVE", REMOVES, post_remove_enter, script_leave},
	[JOB_UNPUBLISHING] = {"unbuild", ON(JOB_UNBUILD), unpublish_enter, NULL},
	[JOB_FORGETTING] = {"remove", ON(JOB_FORGET), forget_enter, NULL},
	[JOB_RUNNING_DEPMOD] = {"depmod", ON(JOB_DEPMOD), depmod_enter, depmod_leave},
	[JOB_ROLLING_BACK] = {"roll back", ON(JOB_DEPMOD), roll_back_enter, NULL},
	[JOB_WEAK_MODULES] = {"weak-modules", ON(JOB_DEPMOD), weak_modules_enter,
		weak_modules_leave},
	[JOB_MODPROBING] = {"modprobe", ON(JOB_DEPMOD), modprobe_enter, NULL},
	[JOB_CLEANING] = {"clean", BUILDS, clean_enter, NULL},
	[JOB_REPORTING] = {"report", BUILDS, report_enter, NULL},
	[JOB_DISCARDING] = {"clean", ON(JOB_ADD), discard_enter, NULL},
	[JOB_TIDYING] = {"clean", ON(JOB_PACK), tidy_enter, NULL},
};

struct job *job_new(enum job_kind kind, struct job_shared *shared, struct kernel *kernel,
	const char *name, const char *version)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->kind = kind;
	job->shared = shared;
	job->kernel = kernel;
	job->name = xstrdup(name);
	job->version = xstrdup(version);
	if (kind == JOB_ADD)
		job->add = xcalloc(1, sizeof(*job->add));
	if (kind == JOB_PACK)
		job->pack = xcalloc(1, sizeof(*job->pack));
	if (kind == JOB_DEPMOD)
		job->depmod = xcalloc(1, sizeof(*job->depmod));
	command_init(&job->ask.command);
	return job;
}

static void outcome_free(struct job_outcome *o)
{
	error_done(&o->error);
	strv_done(&o->warnings);
	strv_done(&o->notices);
	strv_done(&o->added);
	strv_done(&o->removed);
	str_done(&o->output);
	free(o->log_path);
	free(o->linked_from);
	free(o->phases);
}

static void add_free(struct job_add *add)
{
	if (!add)
		return;
	load_free(add->load);
	free(add->from);
	free(add->archive);
	free(add);
}

static void pack_free(struct job_pack *pack)
{
	if (!pack)
		return;
	package_free(pack->package);
	strv_done(&pack->kernels);
	free(pack->path);
	free(pack->archive);
	free(pack);
}

static void job_depmod_free(struct job_depmod *depmod)
{
	if (!depmod)
		return;
	if (depmod->depmod)
		depmod_done(depmod->depmod);
	free(depmod->depmod);
	free(depmod->members);
	free(depmod);
}

void job_free(struct job *job)
{
	if (!job)
		return;
	build_free(job->build);
	signing_free(job->signing);
	install_forget_replaced(job);
	add_free(job->add);
	pack_free(job->pack);
	job_depmod_free(job->depmod);
	conf_free(job->conf);
	command_done(&job->ask.command);
	outcome_free(&job->outcome);
	free(job->name);
	free(job->version);
	free(job->conf_path);
	free(job);
}

const char *job_state_name(enum job_state state)
{
	const char *name = state < ARRAY_SIZE(table) ? table[state].name : NULL;

	return name ? name : "";
}

const char *job_kind_name(enum job_kind kind)
{
	static const char *const names[] = {[JOB_EVALUATE] = "evaluate", [JOB_ADD] = "add",
		[JOB_BUILD] = "build", [JOB_INSTALL] = "install",
		[JOB_UNINSTALL] = "uninstall", [JOB_UNBUILD] = "unbuild",
		[JOB_FORGET] = "forget", [JOB_PACK] = "pack", [JOB_EXPLAIN] = "explain",
		[JOB_DEPMOD] = "depmod"};
	const char *name = kind < ARRAY_SIZE(names) ? names[kind] : NULL;

	return name ? name : "";
}

const char *job_result_name(enum job_result result)
{
	static const char *const names[] = {[RESULT_NONE] = "none", [RESULT_DONE] = "done",
		[RESULT_NOTHING] = "nothing", [RESULT_EXCLUDED] = "excluded",
		[RESULT_FAILED] = "failed", [RESULT_BLOCKED] = "blocked",
		[RESULT_STOPPED] = "stopped"};
	const char *name = result < ARRAY_SIZE(names) ? names[result] : NULL;

	return name ? name : "";
}

const struct kernel *job_kernel(const struct job *job)
{
	return job->kind == JOB_ADD || job->kind == JOB_PACK ? NULL : job->kernel;
}

const char *job_archive(const struct job *job)
{
	if (job->add)
		return job->add->archive;
	return job->pack ? job->pack->archive : NULL;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)timespec_ns(&now);
}

static void begin_phase(struct job *job)
{
	if ((job->outcome.n_phases & (job->outcome.n_phases + 1)) == 0)
		job->outcome.phases = xrealloc_array(job->outcome.phases,
			2 * (job->outcome.n_phases + 1), sizeof(*job->outcome.phases));
	job->outcome.phases[job->outcome.n_phases++] =
		(struct job_phase){.state = job->state, .began_ns = now_ns(), .exit_status = -1};
}

static void end_phase(struct job *job, const struct outcome *outcome)
{
	struct job_phase *phase;

	if (!job->outcome.n_phases)
		return;
	phase = &job->outcome.phases[job->outcome.n_phases - 1];
	if (phase->wall_ns)
		return;
	phase->wall_ns = now_ns() - phase->began_ns + 1;
	phase->cpu_ns = outcome ? outcome->cpu_ns : job->ask.work_cpu_ns;
	if (!outcome)
		return;
	phase->max_rss_bytes = outcome->max_rss_bytes;
	if (!outcome->error && !outcome->signal)
		phase->exit_status = outcome->exit_status;
}

uint64_t job_cpu_ns(const struct job *job)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < job->outcome.n_phases; i++)
		sum += job->outcome.phases[i].cpu_ns;
	return sum;
}

uint64_t job_max_rss_bytes(const struct job *job)
{
	uint64_t max = 0;

	for (size_t i = 0; i < job->outcome.n_phases; i++)
		if (job->outcome.phases[i].max_rss_bytes > max)
			max = job->outcome.phases[i].max_rss_bytes;
	return max;
}

static void fail(struct job *job)
{
	job->outcome.result = RESULT_FAILED;
	job->outcome.failed_in = job_state_name(job->state);
	error_set(&job->outcome.error, -EIO, 1, "%s failed", job->outcome.failed_in);
}

/* What a dry run goes through. */
static bool is_dry(const struct settings *s, enum job_state state)
{
	return state == JOB_LOOKING || state == JOB_EVALUATING || state == JOB_CHECKING ||
	       (state == JOB_FINGERPRINTING && s->switches.explain);
}

/* Enters the states that are next until one needs something or the job has ended. A job
 * whose result is known goes on with nothing but cleaning. */
static enum job_step go_on(struct job *job)
{
	while (++job->state < JOB_ENDED) {
		if (!(table[job->state].kinds & ON(job->kind)))
			continue;
		if (job->outcome.result != RESULT_NONE && job->state < JOB_CLEANING)
			continue;
		if (job->shared->settings->switches.dry_run &&
			!is_dry(job->shared->settings, job->state))
			continue;
		if (job->shared->stop.signal && job->outcome.result == RESULT_NONE &&
			job->kind != JOB_DEPMOD && job->state < JOB_CLEANING) {
			error_set(&job->outcome.error, -ECANCELED, 1, "cancelled");
			fail(job);
			continue;
		}
		command_done(&job->ask.command);
		switch (table[job->state].enter(job)) {
		case PHASE_COMMAND:
			begin_phase(job);
			return STEP_COMMAND;
		case PHASE_WORK:
			begin_phase(job);
			return STEP_WORK;
		case PHASE_FAIL:
			fail(job);
			break;
		case PHASE_NEXT:
		case PHASE_AGAIN:
		case PHASE_RESTART:
		case PHASE_STOP:
			break;
		}
	}
	if (job->outcome.result == RESULT_NONE)
		job->outcome.result = RESULT_DONE;
	job->outcome.ended_ns = now_ns();
	return STEP_ENDED;
}

enum job_step job_step(struct job *job, const struct outcome *last)
{
	enum phase phase = PHASE_NEXT;

	if (job->state == JOB_NEW)
		job->outcome.began_ns = now_ns();
	end_phase(job, last);
	if (last && last->cancelled)
		error_set(&job->outcome.error, -ECANCELED, 1, "cancelled");
	if (last && table[job->state].leave)
		phase = table[job->state].leave(job, last);
	else if (!last && job->state != JOB_NEW && job->ask.work_result < 0)
		phase = PHASE_FAIL;
	job->ask.work_result = 0;
	if (phase == PHASE_FAIL && job->outcome.result == RESULT_NONE)
		fail(job);
	if (phase == PHASE_AGAIN)
		job->state--;
	if (phase == PHASE_RESTART)
		job->state = JOB_COPYING - 1;
	return go_on(job);
}

void job_work(struct job *job)
{
	uint64_t before = parallel_cpu_ns();

	job->ask.work_result = job->ask.work(job);
	job->ask.work_cpu_ns = parallel_cpu_ns() - before;
}

/* JOB_LOOKING */

static int check_state(const struct settings *s, enum tree_state state, const char *name,
	const char *version, struct error *err)
{
	if (state == STATE_UNKNOWN) {
		error_set(err, -ENOENT, 3, "%s/%s is not in the tree %s", name, version,
			s->trees.dkms);
		error_remedy(err, "dkms add %s/%s", name, version);
		return -ENOENT;
	}
	if (state == STATE_BROKEN) {
		error_set(err, -ENOENT, 4, "%s/%s is broken, its source is missing: %s/%s/%s/source",
			name, version, s->trees.dkms, name, version);
		error_remedy(err, "restore the source, then: dkms add %s/%s", name, version);
		return -ENOENT;
	}
	return 0;
}

int job_check_known(const struct settings *s, const char *name, const char *version,
	struct error *err)
{
	return check_state(s,
		tree_state(s->trees.dkms, s->trees.source, name, version, NULL, NULL),
		name, version, err);
}

/* Who wants the module installed whatever the kernel has? */
static void look_for_force(struct job *job)
{
	const struct settings *s = job->shared->settings;
	enum force_level level = job->kind == JOB_INSTALL
				     ? force_list_find(s->force_list_dir, job->name)
				     : FORCE_LEVEL_NONE;

	/* If the first half of an upgrade refused to install, the second would take away
	 * the old module all the same. */
	job->request.force =
		s->switches.force || s->switches.rpm_safe_upgrade || level == FORCE_LEVEL_ALL;
	job->request.force_version = job->request.force ||
				     s->switches.force_version_override ||
				     level == FORCE_LEVEL_VERSION;
}

/* Is there something to do? */
enum phase look_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;

	look_for_force(job);
	job->outcome.state_before = tree_state(s->trees.dkms, s->trees.source, job->name,
		job->version, job->kernel->release, job->kernel->arch);
	if (check_state(s, job->outcome.state_before, job->name, job->version,
		    &job->outcome.error) < 0)
		return PHASE_FAIL;
	if (job->request.rebuild)
		return PHASE_NEXT;
	if (job->kind == JOB_BUILD && job->outcome.state_before >= STATE_BUILT &&
		!s->switches.force)
		job->outcome.result = RESULT_NOTHING;
	if (job->kind == JOB_INSTALL &&
		job->outcome.state_before >= STATE_INSTALLED_WEAK && !s->switches.force)
		job->outcome.result = RESULT_NOTHING;
	if (job->kind == JOB_UNINSTALL &&
		job->outcome.state_before < STATE_INSTALLED_WEAK)
		job->outcome.result = RESULT_NOTHING;
	if (job->kind == JOB_UNBUILD && job->outcome.state_before < STATE_BUILT)
		job->outcome.result = RESULT_NOTHING;
	return PHASE_NEXT;
}

/* JOB_EVALUATING */

static struct conf_request conf_request(const struct job *job)
{
	return (struct conf_request){
		.path = job->conf_path,
		.name = job->name,
		.version = job->version,
		.status_if_unnamed =
			job->add && job->add->from && !job->add->archive ? 10 : 0,
		.kernel = job->kernel,
		.settings = job->shared->settings,
	};
}

/* The dkms.conf of a module that is being added; caller frees. */
static char *added_conf_path(const struct job *job)
{
	if (job->add->from)
		return path_join(job->add->from, "dkms.conf");
	return xasprintf("%s/%s-%s/dkms.conf", job->shared->settings->trees.source,
		job->name, job->version);
}

static enum phase no_conf(struct job *job)
{
	_cleanup_free_ char *dir =
		xstrndup(job->conf_path, strlen(job->conf_path) - strlen("/dkms.conf"));

	if (!path_is_dir(dir))
		error_set(&job->outcome.error, -ENOENT, 2,
			"there is no source directory %s", dir);
	else
		error_set(&job->outcome.error, -ENOENT, 4, "there is no dkms.conf in %s",
			dir);
	return PHASE_FAIL;
}

/* Of the source; whoever is not root may find it closed. */
static bool can_enter(struct job *job)
{
	_cleanup_free_ char *dir = xstrndup(job->conf_path,
		(size_t)(path_base(job->conf_path) - job->conf_path));

	if (!path_is_dir(dir) || access(dir, X_OK) == 0 || errno != EACCES)
		return true;
	error_errno(&job->outcome.error, -EACCES, 15, "cannot enter %s", dir);
	return false;
}

enum phase evaluate_enter(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct conf_request request;
	struct sandbox box = {
		.kind = job->shared->sandbox, .install_tree = s->trees.install};
	_cleanup_free_ char *dir = NULL;

	if (job->conf)
		return PHASE_NEXT;
	if (!job->conf_path && job->kind == JOB_ADD) {
		job->conf_path = added_conf_path(job);
		if (!path_is_file(job->conf_path))
			return no_conf(job);
	} else if (!job->conf_path) {
		dir = tree_version_dir(s->trees.dkms, job->name, job->version);
		job->conf_path = path_join(dir, "source/dkms.conf");
	}
	if (!can_enter(job))
		return PHASE_FAIL;
	/* What has lost its dkms.conf can be taken away all the same. */
	if (ON(job->kind) & REMOVES && !path_is_file(job->conf_path))
		return PHASE_NEXT;
	request = conf_request(job);
	conf_fill_command(&request, &job->ask.command);
	job->ask.command.timeout_s = CONF_SECONDS;
	conf_list_files(&request, &box.readable);
	strv_push(&box.readable, s->trees.dkms);
	strv_push(&box.readable, job->kernel->headers);
	list_secrets(job, &box.secret);
	if (box.kind == SANDBOX_KIND_UNTRUSTED && !sandbox_reachable(&box.readable))
		box.kind = SANDBOX_KIND_USERNS;
	sandbox_wrap(&job->ask.command, &box);
	strv_done(&box.readable);
	strv_done(&box.secret);
	return PHASE_COMMAND;
}

/* What the files wrote to standard error, a line each. */
static void add_complaints(struct job *job, const struct str *text)
{
	for (const char *line = text->data; line && *line;) {
		size_t len = strcspn(line, "\n");

		if (len) {
			char *copy = xstrndup(line, len);

			text_tame(copy);
			strv_take(&job->outcome.warnings, copy);
		}
		line += len;
		line += *line == '\n';
	}
}

enum phase evaluate_leave(struct job *job, const struct outcome *outcome)
{
	struct conf_request request = conf_request(job);
	struct error *err = &job->outcome.error;
	struct error ignored = {0};
	int r;

	if (outcome->cancelled)
		return PHASE_FAIL;
	if (ON(job->kind) & REMOVES)
		err = &ignored; /* nor does a bad conf stop that */
	r = conf_parse(&request, &job->ask.command, outcome, &job->conf, err);
	if (r == 0)
		add_complaints(job, &outcome->err);
	if (r == 0 && ON(job->kind) & (BUILDS | ON(JOB_ADD)))
		strv_extend(&job->outcome.warnings, &job->conf->warnings);
	if (r == 0 && ON(job->kind) & BUILDS)
		r = conf_check_duplicates(job->conf, job->conf_path, err);
	error_done(&ignored);
	return r < 0 && !(ON(job->kind) & REMOVES) ? PHASE_FAIL : PHASE_NEXT;
}
