/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How are the jobs of a plan run? Each job is a task of the runner. */
#include "config.h"

#include <errno.h>

#include "builder/tree/leftovers.h"
#include "builder/clamp-times.h"
#include "builder/state-machine.h"
#include "scheduler/depmods.h"
#include "scheduler/estimate.h"
#include "scheduler/plan-fleet.h"
#include "scheduler/plan-order.h"
#include "scheduler/plan-run.h"
#include "scheduler/plan-sandbox.h"
#include "scheduler/plan-slots.h"

/* Limits the next command of the job to the time that is left of --timeout, which holds
 * for the whole job. An essential command, such as one that cleans up, is not limited. */
static void limit_command(struct job *job)
{
	unsigned int limit = job->shared->settings->limits.timeout_s, left = 1;
	uint64_t spent_s = (uv_hrtime() - job->outcome.began_ns) / 1000000000u;

	if (!limit || job->ask.command.runs_when_cancelled)
		return;
	if (spent_s < limit)
		left = limit - (unsigned int)spent_s;
	if (!job->ask.command.timeout_s || left < job->ask.command.timeout_s)
		job->ask.command.timeout_s = left;
}

/* Implements --fail-fast: once a job has failed, jobs that have not started are skipped.
 * A depmod still runs, because kernels may have changed already. Returns whether the job
 * is skipped. */
static bool skip_after_failure(struct job *job)
{
	const struct job *failed = job->shared->stop.failed;

	if (!failed || !job->shared->settings->switches.fail_fast ||
		job->state != JOB_NEW || job->kind == JOB_DEPMOD)
		return false;
	job->outcome.result = RESULT_STOPPED;
	error_set(&job->outcome.error, -ECANCELED, failed->outcome.error.status,
		"skipped because another job failed");
	return true;
}

static enum task_step task_step(void *task, const struct outcome *last)
{
	struct job *job = task;

	if (skip_after_failure(job))
		return TASK_FAILED;
	switch (job_step(job, last)) {
	case STEP_COMMAND:
		limit_command(job);
		return TASK_COMMAND;
	case STEP_WORK:
		return TASK_WORK;
	case STEP_WAIT:
		return TASK_WAIT;
	case STEP_ENDED:
		break;
	}
	return job_succeeded(job) ? TASK_OK : TASK_FAILED;
}

static const struct command *task_command(void *task)
{
	return &((struct job *)task)->ask.command;
}

static void task_work(void *task)
{
	job_work(task);
}

/* Sets the result of a blocked job, remembers the first job that failed, and passes the
 * event on to the plan's observer. */
static void on_event(enum run_event event, struct node *node, void *userdata)
{
	struct plan *p = userdata;

	if (event == RUN_STEPPED && !((struct job *)node->data)->ask.is_news)
		return;
	if (event == RUN_BLOCKED) {
		struct job *job = node->data;
		const struct job *by = node->blocker->data;

		/* On a cycle of BUILD_DEPENDS the first job is blocked by one that has no
		 * result yet. */
		bool is_cycle = by->outcome.result == RESULT_NONE;

		job->outcome.result = by->outcome.result == RESULT_STOPPED
					      ? RESULT_STOPPED
					      : RESULT_BLOCKED;
		if (is_cycle)
			error_set(&job->outcome.error, -ELOOP, 11,
				"BUILD_DEPENDS forms a cycle: it needs %s, which needs "
				"it",
				by->name);
		else if (job->kind == JOB_FORGET)
			error_set(&job->outcome.error, -ECANCELED,
				by->outcome.error.status,
				"it stays in the dkms tree, because depmod failed for %s",
				by->kernel->release);
		else
			error_set(&job->outcome.error, -ECANCELED, 13, "it needs %s, which %s",
				by->name,
				job->outcome.result == RESULT_STOPPED ? "was stopped"
								      : "failed");
	}
	if (event == RUN_ENDED && !p->shared.stop.failed &&
		((struct job *)node->data)->outcome.result == RESULT_FAILED)
		p->shared.stop.failed = node->data;
	if (p->observer.on_event)
		p->observer.on_event(event, node, p->observer.userdata);
}

/* Adds a depmod that cannot wait until the builds have ended. */
static struct node *add_node(void *userdata)
{
	struct plan *p = userdata;
	const struct job *job = plan_add_early_depmod(p);

	return job ? p->graph.nodes[job->number - p->n_jobs_run] : NULL;
}

/* Gives each node the expected time of its job (ms) as its cost, so that the jobs with
 * the longest critical path start first. */
static void set_costs(struct plan *p)
{
	struct job **jobs = p->jobs + p->n_jobs_run;

	estimate_jobs(p->history, jobs, p->graph.n);
	for (size_t i = 0; i < p->graph.n; i++)
		p->graph.nodes[i]->cost = (long)jobs[i]->request.expected_ms;
}

int plan_run(struct plan *p, struct error *err)
{
	static const struct task_ops ops = {task_step, task_command, task_work};
	struct observer observer = {on_event, p};
	struct runner_options options = {
		.observer = &observer,
		.add_node = add_node,
		.userdata = p,
		.cancelled = &p->shared.stop.signal,
	};
	struct run_mark mark = {0};
	int r;

	if (p->n_jobs_run == p->n_jobs)
		return 0;
	r = plan_choose_sandbox(p, err);
	if (r < 0)
		return r;
	if (plan_has_builds(p))
		plan_open_fleet(p);
	plan_order_builds(p);
	set_costs(p);
	r = plan_choose_slots(p);
	if (r < 0)
		return error_errno(err, r, 1, "cannot start the jobs");
	/* The mark is set as late as possible, because a signal that arrives before the
	 * runner handles signals kills dkms and leaves the mark behind. */
	if (plan_has_builds(p) && !p->shared.settings->switches.dry_run)
		leftovers_mark_run(p->shared.settings->trees.dkms, &mark);
	options.slots = p->slots;
	options.n_extra = p->n_extra;
	runner_run(p->loop, &p->graph, &ops, &options);
	leftovers_unmark_run(&mark);
	if (!p->shared.settings->switches.dry_run) {
		estimate_record(p->history, p->jobs + p->n_jobs_run, p->graph.n);
		/* the history is optional: an error is ignored */
		history_save(p->history);
		for (size_t i = 0; i < p->n_jobs; i++)
			clamp_times(p->jobs[i]);
	}
	graph_done(&p->graph);
	p->n_jobs_run = p->n_jobs;
	return 0;
}
