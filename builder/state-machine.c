/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine of a job: a table of the states, and job_step(), which alone changes
 * the state. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include "base/file.h"
#include "base/parallel.h"
#include "builder/job/hooks.h"
#include "builder/build/build.h"
#include "builder/build/collect.h"
#include "builder/install/depmod.h"
#include "builder/install/finish-kernel.h"
#include "builder/install/install.h"
#include "builder/install/uninstall.h"
#include "builder/add/load.h"
#include "builder/add/register.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/fleet.h"
#include "builder/reuse/probe-memo.h"
#include "builder/reuse/restore-objects.h"
#include "builder/run/guarded-mounts.h"
#include "builder/pack/pack.h"
#include "builder/pack/package.h"
#include "builder/steps/apport.h"
#include "builder/steps/check-needed.h"
#include "builder/steps/clean.h"
#include "builder/steps/make.h"
#include "builder/steps/prepare.h"
#include "builder/steps/publish.h"
#include "builder/steps/read-conf.h"
#include "builder/steps/sign-again.h"
#include "builder/steps/sign.h"
#include "builder/state-machine.h"

/* Sets of kinds of jobs, a bit for each kind. */
#define ON(kind) (1u << (kind))
#define BUILDS (ON(JOB_BUILD) | ON(JOB_INSTALL))
#define REMOVES (ON(JOB_UNINSTALL) | ON(JOB_UNBUILD))
#define SIGNS (BUILDS | ON(JOB_SIGN))
#define NEEDS_KEY (BUILDS | ON(JOB_EXPLAIN))
#define READS_CONF                                                                       \
	(ON(JOB_EVALUATE) | ON(JOB_EXPLAIN) | ON(JOB_ADD) | ON(JOB_PACK) | BUILDS |      \
		REMOVES | ON(JOB_SIGN))

/* The states in which something happens, in the order of enum job_state. */
static const struct {
	unsigned int kinds; /* the kinds of jobs that enter the state */
	enum transition (*enter)(struct job *job);
	enum transition (*leave)(
		struct job *job, const struct outcome *outcome); /* may be NULL */
	/* The state belongs to a change that a state before it has made to the system: if
	 * there is one, a cancelled job enters this state, too. */
	bool completes_change;
} states[] = {
	[JOB_READING_POLICY] = {READS_CONF, policy_enter, policy_leave},
	[JOB_LOOKING] = {SIGNS | REMOVES, check_needed_enter, NULL},
	[JOB_LOADING] = {ON(JOB_ADD), load_enter, NULL},
	[JOB_EVALUATING] = {READS_CONF, evaluate_enter, evaluate_leave},
	[JOB_PACKING] = {ON(JOB_PACK), pack_enter, NULL},
	[JOB_PACKAGING] = {ON(JOB_PACK), package_enter, package_leave},
	[JOB_DELIVERING] = {ON(JOB_PACK), deliver_enter, NULL},
	[JOB_REGISTERING] = {ON(JOB_ADD), register_enter, NULL},
	[JOB_POST_ADD] = {ON(JOB_ADD), post_add_enter, post_add_leave, true},
	[JOB_CHECKING] = {NEEDS_KEY, check_enter, NULL},
	[JOB_WAITING] = {BUILDS, wait_enter, NULL},
	[JOB_FINGERPRINTING] = {NEEDS_KEY, fingerprint_enter, NULL},
	[JOB_ASKING] = {NEEDS_KEY, fleet_enter, NULL},
	[JOB_RESTORING] = {BUILDS, restore_enter, NULL},
	[JOB_COPYING] = {BUILDS, copy_enter, NULL},
	[JOB_PROBING] = {BUILDS, probe_enter, probe_leave},
	[JOB_KEEPING_PROBES] = {BUILDS, keep_probes_enter, NULL},
	[JOB_PATCHING] = {BUILDS, patch_enter, patch_leave},
	[JOB_PRE_BUILD] = {BUILDS, pre_build_enter, pre_build_leave},
	[JOB_LINKING] = {BUILDS, link_enter, NULL},
	[JOB_MAKING] = {BUILDS, make_enter, make_leave},
	[JOB_CHECKING_OBJECTS] = {BUILDS, check_objects_enter, NULL},
	[JOB_STRIPPING] = {BUILDS, strip_enter, strip_leave},
	[JOB_COLLECTING] = {BUILDS, collect_enter, NULL},
	[JOB_STORING] = {BUILDS, store_enter, NULL},
	[JOB_TAKING_BUILT] = {ON(JOB_SIGN), take_built_enter, NULL},
	[JOB_PREPARING_SIGNATURES] = {SIGNS, prepare_signatures_enter, NULL},
	[JOB_SIGNING] = {SIGNS, sign_enter, sign_leave},
	[JOB_COMPRESSING] = {BUILDS, compress_enter, NULL},
	[JOB_POST_BUILD] = {BUILDS, post_build_enter, post_build_leave},
	[JOB_PUBLISHING] = {BUILDS, publish_enter, NULL},
	[JOB_PRE_INSTALL] = {ON(JOB_INSTALL), pre_install_enter, pre_install_leave},
	[JOB_INSTALLING] = {ON(JOB_INSTALL), install_enter, NULL},
	[JOB_POST_INSTALL] = {
		ON(JOB_INSTALL), post_install_enter, hook_leave, true},
	[JOB_REPLACING] = {ON(JOB_SIGN), replace_built_enter, NULL},
	[JOB_UNINSTALLING] = {REMOVES, uninstall_enter, NULL},
	[JOB_POST_REMOVE] = {REMOVES, post_remove_enter, hook_leave, true},
	[JOB_UNPUBLISHING] = {ON(JOB_UNBUILD), unpublish_enter, NULL},
	[JOB_FORGETTING] = {ON(JOB_FORGET), forget_enter, NULL},
	[JOB_RUNNING_DEPMOD] = {ON(JOB_DEPMOD), depmod_enter, depmod_leave},
	[JOB_ROLLING_BACK] = {ON(JOB_DEPMOD), roll_back_enter, NULL},
	[JOB_WEAK_MODULES] = {ON(JOB_DEPMOD), weak_modules_enter, weak_modules_leave},
	[JOB_FINDING_DEVICES] = {ON(JOB_DEPMOD), find_devices_enter, NULL},
	[JOB_MODPROBING] = {ON(JOB_DEPMOD), modprobe_enter, NULL},
	[JOB_FINISHING] = {ON(JOB_DEPMOD), finish_enter, NULL},
	[JOB_CLEANING_BUILD] = {SIGNS, clean_enter, NULL},
	[JOB_REPORTING] = {BUILDS, report_enter, NULL},
	[JOB_CLEANING_LOAD] = {ON(JOB_ADD), load_clean_enter, NULL},
	[JOB_CLEANING_PACKAGE] = {ON(JOB_PACK), package_clean_enter, NULL},
};

static void job_outcome_done(struct job_outcome *o)
{
	error_done(&o->error);
	strv_done(&o->warnings);
	strv_done(&o->notices);
	strv_done(&o->added);
	strv_done(&o->removed);
	strv_done(&o->moved);
	strv_done(&o->saved);
	strv_done(&o->saved_from);
	str_done(&o->output);
	free(o->log_path);
	free(o->skipped);
	free(o->linked_from);
	free(o->signers);
	free(o->not_kept);
	free(o->phases);
}

static void job_add_free(struct job_add *add)
{
	if (!add)
		return;
	load_free(add->load);
	lock_release(&add->lock);
	free(add->from);
	free(add->archive);
	free(add);
}

static void job_pack_free(struct job_pack *pack)
{
	if (!pack)
		return;
	package_free(pack->package);
	kernel_names_done(&pack->kernels);
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
	strv_done(&depmod->aliases);
	free(depmod->members);
	free(depmod);
}

void job_free(struct job *job)
{
	if (!job)
		return;
	build_free(job->build);
	reuse_free(job->reuse);
	fleet_ask_free(job->fleet);
	signing_free(job->signing);
	install_free_replaced(job);
	job_add_free(job->add);
	job_pack_free(job->pack);
	job_depmod_free(job->depmod);
	conf_free(job->conf);
	policy_done(&job->policy);
	command_done(&job->ask.command);
	job_outcome_done(&job->outcome);
	free(job->name);
	free(job->version);
	free(job->conf_path);
	free(job->jobserver_fifo);
	free(job->ask.busy);
	free(job->ask.waits_for);
	free(job);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)timespec_ns(&now);
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

/* Begins a phase, or continues that of the same state if it has not ended, because the
 * state is entered again after waiting for a lock. */
static void begin_phase(struct job *job)
{
	size_t n = job->outcome.n_phases;
	const struct job_phase *last = n ? &job->outcome.phases[n - 1] : NULL;

	job->ask.is_news = !last || last->wall_ns || last->state != job->state;
	if (!job->ask.is_news)
		return;
	end_phase(job, NULL);
	job->ask.told = false;
	free(TAKE_PTR(job->ask.waits_for));
	if ((job->outcome.n_phases & (job->outcome.n_phases + 1)) == 0)
		job->outcome.phases = xrealloc_array(job->outcome.phases,
			2 * (job->outcome.n_phases + 1), sizeof(*job->outcome.phases));
	job->outcome.phases[job->outcome.n_phases++] = (struct job_phase){
		.state = job->state, .began_ns = now_ns(), .exit_status = -1};
}

/* Notes that the job ends because the run is cancelled. */
static void cancel_job(struct job *job)
{
	job->cancelled = true;
	error_set(&job->outcome.error, -ECANCELED, 1, "cancelled");
}

/* Marks the job as failed, or as cancelled, in its state. An error that is set already stays. */
static void fail_job(struct job *job)
{
	job->outcome.result = job->cancelled ? RESULT_STOPPED : RESULT_FAILED;
	job->outcome.failed_in = job_state_name(job->state);
	error_set(&job->outcome.error, -EIO, 1, "%s failed", job->outcome.failed_in);
}

/* A wait for a lock is told to the user when it takes longer than this. */
#define TELL_AFTER_NS UINT64_C(1000000000)

/* Returns whether the job may wait for the lock that it has found locked. Otherwise the
 * job fails. */
static bool may_wait(struct job *job)
{
	unsigned int limit_s = job->shared->settings->limits.timeout_s;
	uint64_t now = now_ns();
	const struct job_phase *phase =
		&job->outcome.phases[job->outcome.n_phases - 1];
	bool tell = job->state == JOB_WAITING ||
		    now - phase->began_ns > TELL_AFTER_NS;

	free(job->ask.waits_for);
	job->ask.waits_for = TAKE_PTR(job->ask.busy);
	job->ask.work_cpu_ns = 0;
	if (job->shared->stop.signal)
		cancel_job(job);
	else if (limit_s && (now - job->outcome.began_ns) / 1000000000u >= limit_s)
		error_set(&job->outcome.error, -ETIME, 1, "waited %u s for %s", limit_s,
			job->ask.waits_for);
	else
		job->ask.waits = true;
	job->ask.is_news = tell && !job->ask.told;
	job->ask.told |= tell;
	return job->ask.waits;
}

/* Returns whether a job enters that state in a dry run. */
static bool is_in_dry_run(const struct settings *s, enum job_state state)
{
	return state == JOB_READING_POLICY || state == JOB_LOOKING ||
	       state == JOB_EVALUATING || state == JOB_CHECKING ||
	       (state == JOB_FINGERPRINTING && s->switches.explain);
}

/* Returns whether a job ends before it enters a state, because the run is cancelled. */
static bool is_cancelled_before(const struct job *job, enum job_state state)
{
	bool changed = job->outcome.changed_kernel || job->outcome.registered;

	return job->shared->stop.signal && job->outcome.result == RESULT_NONE &&
	       job->kind != JOB_DEPMOD && state < JOB_CLEANING_BUILD &&
	       !(changed && states[state].completes_change);
}

/* Enters one state after the other until a state asks for a command or for work, or until
 * the job has ended. If the job's result is set already, it enters only
 * JOB_CLEANING_BUILD and the states after it. */
static enum job_step enter_next_states(struct job *job)
{
	while (++job->state < JOB_ENDED) {
		if (!(states[job->state].kinds & ON(job->kind)))
			continue;
		if (job->outcome.result != RESULT_NONE && job->state < JOB_CLEANING_BUILD)
			continue;
		if (job->shared->settings->switches.dry_run &&
			!is_in_dry_run(job->shared->settings, job->state))
			continue;
		if (is_cancelled_before(job, job->state)) {
			cancel_job(job);
			fail_job(job);
			continue;
		}
		command_done(&job->ask.command);
		switch (states[job->state].enter(job)) {
		case TRANSITION_COMMAND:
			begin_phase(job);
			return STEP_COMMAND;
		case TRANSITION_WORK:
			begin_phase(job);
			return STEP_WORK;
		case TRANSITION_WAIT:
			begin_phase(job);
			if (may_wait(job))
				return STEP_WAIT;
			fail_job(job);
			break;
		case TRANSITION_FAIL:
			fail_job(job);
			break;
		case TRANSITION_NEXT:
		case TRANSITION_AGAIN:
		case TRANSITION_RESTART:
		case TRANSITION_STOP:
			break;
		}
	}
	if (job->outcome.result == RESULT_NONE)
		job->outcome.result = RESULT_DONE;
	end_phase(job, NULL);
	job->outcome.ended_ns = now_ns();
	return STEP_ENDED;
}

/* So often a command begins again because its sandbox could not be made. */
#define LOST_MOUNTS_MAX 5
#define LAST_LINE_MAX 4096

/* Whether the last line of the text, which must be complete, has the message. */
static bool last_line_has(const char *text, const char *message)
{
	const char *line = strstr(text, message);

	while (line && strstr(line + 1, message))
		line = strstr(line + 1, message);
	return line && line[strcspn(line, "\n")] != '\0' && !line[strcspn(line, "\n") + 1];
}

/* Whether the command did not begin, because something that bubblewrap had found was gone when
 * it was to be mounted: depmod(8) replaces its lists, and packages come and go; or because it
 * had been exchanged. The message is then the last line. A command that prints such a line itself,
 * and fails, only begins again. */
static bool has_lost_mount(struct job *job, const struct outcome *last)
{
	_cleanup_(str_done) struct str log = {0};
	const char *text = last->err.data;

	if (outcome_ok(last) || last->cancelled || job->lost_mounts == LOST_MOUNTS_MAX)
		return false;
	if (job->ask.command.log_fd >= 0 && job->build &&
		file_read_tail(job->build->paths.log, LAST_LINE_MAX, &log, NULL) == 0)
		text = log.data;
	if (!text || (!last_line_has(text, "bwrap: Can't bind mount ") &&
			     !last_line_has(text, GUARDED_MOUNTS_MESSAGE)))
		return false;
	job->lost_mounts++;
	return true;
}

enum job_step job_step(struct job *job, const struct outcome *last)
{
	enum transition transition = TRANSITION_NEXT;

	if (job->state == JOB_NEW)
		job->outcome.began_ns = now_ns();
	if (job->ask.waits) {
		job->ask.waits = false;
		job->state--;
		return enter_next_states(job);
	}
	if (!last && job->ask.busy && job->ask.work_result == -EAGAIN && may_wait(job)) {
		job->ask.work_result = 0;
		return STEP_WAIT;
	}
	end_phase(job, last);
	if (last && job->build &&
		user_end_processes(&job->build->user, &job->outcome.error) < 0)
		transition = TRANSITION_FAIL;
	if ((last && last->cancelled) || job->ask.work_result == -ECANCELED)
		cancel_job(job);
	if (last && transition != TRANSITION_FAIL && has_lost_mount(job, last))
		transition = TRANSITION_AGAIN;
	else if (last && transition != TRANSITION_FAIL && states[job->state].leave)
		transition = states[job->state].leave(job, last);
	else if (!last && job->state != JOB_NEW && job->ask.work_result < 0)
		transition = job->ask.work_result == -ERESTART ? TRANSITION_RESTART
							       : TRANSITION_FAIL;
	job->ask.work_result = 0;
	if (job->ask.again && transition == TRANSITION_NEXT)
		transition = TRANSITION_AGAIN;
	job->ask.again = false;
	if (transition == TRANSITION_FAIL && job->outcome.result == RESULT_NONE)
		fail_job(job);
	if (transition == TRANSITION_AGAIN)
		job->state--;
	if (transition == TRANSITION_RESTART)
		job->state = JOB_COPYING - 1;
	return enter_next_states(job);
}

void job_work(struct job *job)
{
	uint64_t before = parallel_cpu_ns();

	job->ask.work_result = job->ask.work(job);
	job->ask.work_cpu_ns = parallel_cpu_ns() - before;
}
