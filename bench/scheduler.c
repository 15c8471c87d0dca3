/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler's own work, for bench/run to measure; it prints nothing.
 *
 *	bench/scheduler jobs N			modules × kernels as N jobs of a plan, run by a
 *						fake runner: tasks that end at once
 *	bench/scheduler processes N SLOTS	N processes that do nothing
 */
#include "config.h"

#include "scheduler/depmods.h"
#include "scheduler/estimate.h"
#include "scheduler/plan.h"
#include "scheduler/runner.h"

#define KERNELS 50

static enum task_step end_at_once(void *task, const struct outcome *last)
{
	(void)task;
	(void)last;
	return TASK_OK;
}

/* Each module needs the one before it, in chains of four, and each kernel gets a depmod. */
static void add_jobs(struct plan *p, size_t n_modules)
{
	struct kernel *kernels[KERNELS];
	size_t first = p->n_jobs;

	for (size_t k = 0; k < KERNELS; k++) {
		_cleanup_free_ char *release = xasprintf("6.1.0-%zu-amd64", k);

		kernels[k] = plan_get_kernel(p, release, "x86_64");
	}
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *name = xasprintf("module%zu", m);

		for (size_t k = 0; k < KERNELS; k++)
			plan_add_job(p, JOB_INSTALL, kernels[k], name, "1.0");
	}
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *needed = xasprintf("module%zu", m - 1);

		for (size_t k = 0; k < KERNELS && m % 4; k++)
			plan_add_edge(p, plan_find_job(p, first, needed, kernels[k]),
				p->jobs[first + m * KERNELS + k], EDGE_NEEDS);
	}
	plan_add_depmods(p);
	estimate_jobs(p->history, p->jobs, p->n_jobs);
	for (size_t i = 0; i < p->n_jobs; i++)
		p->graph.nodes[i]->cost = (long)p->jobs[i]->request.expected_ms;
}

static void run_jobs(size_t n)
{
	static const struct task_ops ops = {.step = end_at_once};
	struct runner_options options = {0};
	struct settings settings;
	struct slots slots;
	struct plan plan;
	uv_loop_t loop;

	settings_init(&settings);
	uv_loop_init(&loop);
	plan_init(&plan, &loop, &settings);
	slots_init_pipe(&slots, 8);
	options.slots = &slots;
	add_jobs(&plan, n / KERNELS);
	runner_run(&loop, &plan.graph, &ops, &options);
	slots_done(&slots);
	plan_done(&plan);
	uv_loop_close(&loop);
	settings_done(&settings);
}

/* Processes that do nothing. */

struct nothing {
	struct command cmd;
	bool started;
};

static enum task_step run_nothing(void *task, const struct outcome *last)
{
	struct nothing *t = task;

	(void)last;
	if (t->started)
		return TASK_OK;
	t->started = true;
	return TASK_COMMAND;
}

static const struct command *command_of(void *task)
{
	return &((struct nothing *)task)->cmd;
}

static void run_processes(size_t n, unsigned int n_slots)
{
	static const struct task_ops ops = {.step = run_nothing, .command = command_of};
	struct nothing *tasks = xcalloc(n, sizeof(*tasks));
	struct runner_options options = {0};
	struct graph g = {0};
	struct slots slots;
	uv_loop_t loop;

	uv_loop_init(&loop);
	slots_init_pipe(&slots, n_slots);
	options.slots = &slots;
	for (size_t i = 0; i < n; i++) {
		command_init(&tasks[i].cmd);
		strv_push(&tasks[i].cmd.argv, "/bin/true");
		tasks[i].cmd.uses_jobserver = true;
		graph_add_node(&g, &tasks[i], 0);
	}
	runner_run(&loop, &g, &ops, &options);
	for (size_t i = 0; i < n; i++)
		command_done(&tasks[i].cmd);
	graph_done(&g);
	slots_done(&slots);
	uv_loop_close(&loop);
	free(tasks);
}

int main(int argc, char **argv)
{
	if (argc == 3 && streq(argv[1], "jobs")) {
		run_jobs(strtoul(argv[2], NULL, 10));
	} else if (argc == 4 && streq(argv[1], "processes")) {
		run_processes(strtoul(argv[2], NULL, 10), (unsigned int)strtoul(argv[3], NULL, 10));
	} else {
		fprintf(stderr, "usage: scheduler jobs N | processes N SLOTS\n");
		return 2;
	}
	return 0;
}
