/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the jobs of a plan as tasks of the runner. */
#include "config.h"

#include <errno.h>

#include "builder/tree/leftovers.h"
#include "builder/machine.h"
#include "scheduler/estimate.h"
#include "scheduler/plan-order.h"
#include "scheduler/plan-run.h"
#include "scheduler/plan-sandbox.h"
#include "scheduler/plan-slots.h"

/* What is left of a job's time is the limit of its command. */
static void limit_command(struct job *job)
{
	unsigned int limit = job->shared->settings->limits.timeout_s, left = 1;
	uint64_t spent_s = (uv_hrtime() - job->outcome.began_ns) / 1000000000u;

	if (!limit || job->ask.command.essential)
		return;
	if (spent_s < limit)
		left = limit - (unsigned int)spent_s;
	if (!job->ask.command.timeout_s || left < job->ask.command.timeout_s)
		job->ask.command.timeout_s = left;
}

/* --fail-fast: what has not begun does not. Depmod looks after what is done. */
static bool stop_early(struct job *job)
{
	const struct job *failed = job->shared->stop.failed;

	if (!failed || !job->shared->settings->switches.fail_fast ||
		job->state != JOB_NEW || job->kind == JOB_DEPMOD)
		return false;
	job->outcome.result = RESULT_STOPPED;
	error_set(&job->outcome.error, -ECANCELED, failed->outcome.error.status,
		"not begun, as another failed");
	return true;
}

static enum task_step task_step(void *task, const struct outcome *last)
{
	struct job *job = task;

	if (stop_early(job))
		return TASK_FAILED;
	switch (job_step(job, last)) {
	case STEP_COMMAND:
		limit_command(job);
		return TASK_COMMAND;
	case STEP_WORK:
		return TASK_WORK;
	case STEP_ENDED:
		break;
	}
	return job->outcome.result == RESULT_FAILED ? TASK_FAILED : TASK_OK;
}

static const struct command *task_command(void *task)
{
	return &((struct job *)task)->ask.command;
}

static void task_work(void *task)
{
	job_work(task);
}

static void on_event(enum run_event event, struct node *node, void *userdata)
{
	struct plan *p = userdata;

	if (event == RUN_BLOCKED) {
		struct job *job = node->data;
		const struct job *by = node->blocker->data;

		/* The first of a circle is told while the one before it is still waiting. */
		bool circle = by->outcome.result == RESULT_NONE;

		job->outcome.result = by->outcome.result == RESULT_STOPPED
					      ? RESULT_STOPPED
					      : RESULT_BLOCKED;
		if (circle)
			error_set(&job->outcome.error, -ELOOP, 11,
				"BUILD_DEPENDS go round in a circle: "
				"it needs %s, which needs it",
				by->name);
		else
			error_set(&job->outcome.error, -ECANCELED, 13,
				"it needs %s, which failed", by->name);
	}
	if (event == RUN_ENDED && !p->shared.stop.failed &&
		((struct job *)node->data)->outcome.result == RESULT_FAILED)
		p->shared.stop.failed = node->data;
	if (p->observer.on_event)
		p->observer.on_event(event, node, p->observer.userdata);
}

/* Orders the jobs that have not been run, the longest way to the end first. */
static void weigh_jobs(struct plan *p)
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
		.cancelled = &p->shared.stop.signal,
	};
	struct run_mark mark = {0};
	int r;

	if (p->n_jobs_run == p->n_jobs)
		return 0;
	r = plan_choose_sandbox(p, err);
	if (r < 0)
		return r;
	plan_order_builds(p);
	weigh_jobs(p);
	r = plan_choose_slots(p);
	if (r < 0)
		return error_errno(err, r, 1, "cannot start the jobs");
	/* As late as that: until the runner listens to signals they leave the mark. */
	if (plan_has_builds(p) && !p->shared.settings->switches.dry_run)
		leftovers_mark_run(p->shared.settings->trees.dkms, &mark);
	options.slots = p->slots;
	options.n_extra = p->n_extra;
	runner_run(p->loop, &p->graph, &ops, &options);
	leftovers_unmark_run(&mark);
	if (!p->shared.settings->switches.dry_run) {
		estimate_record(p->history, p->jobs + p->n_jobs_run, p->graph.n);
		history_save(p->history); /* where it cannot be kept, nothing is amiss */
	}
	graph_done(&p->graph);
	p->n_jobs_run = p->n_jobs;
	return 0;
}
