/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is a job? How one is made, and the names of kinds, states and results. */
#include "config.h"

#include <errno.h>

#include "builder/run/memory-group.h"
#include "builder/job/job.h"

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

int job_note_locked(struct job *job, const char *what)
{
	pid_t holder = lock_holder(job->shared->settings->trees.dkms, what);

	free(job->ask.busy);
	if (holder == getpid())
		job->ask.busy = xstrdup("another job of this run");
	else if (holder)
		job->ask.busy = xasprintf("another dkms (process %ld)", (long)holder);
	else
		job->ask.busy = xstrdup("another dkms");
	return -EAGAIN;
}

int job_try_lock(struct job *job, const char *what, struct lock *ret)
{
	int r = lock_try(job->shared->settings->trees.dkms, what, ret,
		&job->outcome.error);

	return r == -EAGAIN ? job_note_locked(job, what) : r;
}

/* Returns the mode of the sandbox for the job's package. While it is not known what the
 * administrator says of the package, it has a sandbox if there can be one, even with
 * --sandbox=off: this may be a package that must not do anything without one. */
static enum sandbox_mode sandbox_mode(const struct job *job)
{
	const struct settings *s = job->shared->settings;

	if (job->policy.unread && s->sandbox.mode == SANDBOX_OFF)
		return SANDBOX_AUTO;
	if (!s->sandbox.mode_given && job->policy.sandbox.mode_set)
		return job->policy.sandbox.mode;
	return s->sandbox.mode;
}

enum sandbox_kind job_sandbox(const struct job *job)
{
	return sandbox_mode(job) == SANDBOX_OFF ? SANDBOX_KIND_NONE : job->shared->sandbox;
}

bool job_own_users(const struct job *job)
{
	return sandbox_mode(job) != SANDBOX_OFF && job->shared->own_users;
}

bool job_is_unfiltered(const struct job *job)
{
	return job->shared->settings->sandbox.unfiltered || sandbox_mode(job) == SANDBOX_OFF;
}

void job_list_sandbox_paths(const struct job *job, struct strv *ret)
{
	const char *all = job->shared->settings->sandbox.paths;
	const char *own = job->policy.sandbox.paths;

	strv_split(ret, all ? all : "");
	strv_split(ret, own ? own : "");
}

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = {
		[JOB_READING_POLICY] = "conf",
		[JOB_LOOKING] = "look",
		[JOB_LOADING] = "unpack",
		[JOB_EVALUATING] = "conf",
		[JOB_PACKING] = "pack",
		[JOB_PACKAGING] = "package",
		[JOB_DELIVERING] = "deliver",
		[JOB_REGISTERING] = "add",
		[JOB_POST_ADD] = "POST_ADD",
		[JOB_CHECKING] = "check",
		[JOB_WAITING] = "wait",
		[JOB_FINGERPRINTING] = "fingerprint",
		[JOB_ASKING] = "ask",
		[JOB_RESTORING] = "restore",
		[JOB_COPYING] = "copy",
		[JOB_PROBING] = "probe",
		[JOB_KEEPING_PROBES] = "keep probes",
		[JOB_PATCHING] = "patch",
		[JOB_PRE_BUILD] = "PRE_BUILD",
		[JOB_LINKING] = "link",
		[JOB_MAKING] = "make",
		[JOB_CHECKING_OBJECTS] = "check objects",
		[JOB_STRIPPING] = "strip",
		[JOB_COLLECTING] = "collect",
		[JOB_STORING] = "store",
		[JOB_TAKING_BUILT] = "copy",
		[JOB_PREPARING_SIGNATURES] = "sign",
		[JOB_SIGNING] = "sign",
		[JOB_COMPRESSING] = "compress",
		[JOB_POST_BUILD] = "POST_BUILD",
		[JOB_PUBLISHING] = "publish",
		[JOB_PRE_INSTALL] = "PRE_INSTALL",
		[JOB_INSTALLING] = "install",
		[JOB_POST_INSTALL] = "POST_INSTALL",
		[JOB_REPLACING] = "replace",
		[JOB_UNINSTALLING] = "uninstall",
		[JOB_POST_REMOVE] = "POST_REMOVE",
		[JOB_UNPUBLISHING] = "unbuild",
		[JOB_FORGETTING] = "remove",
		[JOB_RUNNING_DEPMOD] = "depmod",
		[JOB_ROLLING_BACK] = "roll back",
		[JOB_WEAK_MODULES] = "weak-modules",
		[JOB_FINDING_DEVICES] = "devices",
		[JOB_MODPROBING] = "modprobe",
		[JOB_FINISHING] = "finish",
		[JOB_CLEANING_BUILD] = "clean",
		[JOB_REPORTING] = "report",
		[JOB_CLEANING_LOAD] = "clean",
		[JOB_CLEANING_PACKAGE] = "clean",
	};
	const char *name = state < ARRAY_SIZE(names) ? names[state] : NULL;

	return name ? name : "";
}

char *job_built_title(const struct job *job)
{
	return xasprintf("%s/%s %s %s", job->name, job->version, job->kernel->release,
		job->kernel->arch);
}

const char *job_kind_name(enum job_kind kind)
{
	static const char *const names[] = {[JOB_EVALUATE] = "evaluate",
		[JOB_ADD] = "add",
		[JOB_BUILD] = "build",
		[JOB_INSTALL] = "install",
		[JOB_UNINSTALL] = "uninstall",
		[JOB_UNBUILD] = "unbuild",
		[JOB_FORGET] = "forget",
		[JOB_PACK] = "pack",
		[JOB_EXPLAIN] = "explain",
		[JOB_SIGN] = "sign",
		[JOB_DEPMOD] = "depmod"};
	const char *name = kind < ARRAY_SIZE(names) ? names[kind] : NULL;

	return name ? name : "";
}

const char *job_result_name(enum job_result result)
{
	static const char *const names[] = {[RESULT_NONE] = "none",
		[RESULT_DONE] = "done",
		[RESULT_NOTHING] = "nothing",
		[RESULT_EXCLUDED] = "excluded",
		[RESULT_FAILED] = "failed",
		[RESULT_BLOCKED] = "blocked",
		[RESULT_STOPPED] = "stopped"};
	const char *name = result < ARRAY_SIZE(names) ? names[result] : NULL;

	return name ? name : "";
}

bool job_may_fail(const struct job *job)
{
	enum on_failure mode = job->policy.on_failure;

	if (mode == ON_FAILURE_UNSET)
		mode = job->shared->settings->on_failure;
	return mode == ON_FAILURE_WARN;
}

const char *job_why_excluded(const struct job *job)
{
	if (job->outcome.skipped)
		return job->outcome.skipped;
	return job->conf ? job->conf->excluded : NULL;
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

int job_take_user(struct job *job, struct user *ret)
{
	const struct settings *s = job->shared->settings;
	_cleanup_(error_done) struct error err = {0};
	int r = 0;

	if (job_own_users(job) && !ret->uid)
		r = user_take(s->trees.dkms, ret, &job->outcome.error);
	if (r == 0 && s->limits.max_build_memory_bytes && !ret->memory_group &&
		memory_group_make(s->limits.max_build_memory_bytes, &ret->memory_group,
			&err) < 0)
		strv_pushf(&job->outcome.notices,
			"max_build_memory does not limit builds: %s", err.what);
	return r;
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

struct conf_request job_conf_request(const struct job *job)
{
	return (struct conf_request){
		.path = job->conf_path,
		.name = job->name,
		.version = job->version,
		.kernel = job->kernel,
		.settings = job->shared->settings,
	};
}
