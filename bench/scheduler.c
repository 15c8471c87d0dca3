/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the work of the scheduler alone, so that bench/run can measure it. It prints nothing.
 *
 *	bench/scheduler jobs N			makes a plan of N jobs, modules × kernels, and runs it
 *						with tasks that do nothing
 *	bench/scheduler processes N SLOTS	runs N processes that do nothing
 */
#include "config.h"

#include "scheduler/depmods.h"
#include "scheduler/estimate.h"
#include "scheduler/job-index.h"
#include "scheduler/plan.h"
#include "scheduler/runner.h"

#define KERNELS 50

/* The step of a task that does nothing. */
static enum task_step end_at_once(void *task, const struct outcome *last)
{
	(void)task;
	(void)last;
	return TASK_OK;
}

/* Adds n_modules × KERNELS jobs and a depmod for each kernel. The modules form groups of
 * four, in which each needs the one before it. */
static void add_jobs(struct plan *p, size_t n_modules)
{
	struct kernel *kernels[KERNELS];
	size_t first = p->n_jobs;
	struct job_index index;

	for (size_t k = 0; k < KERNELS; k++) {
		_cleanup_free_ char *release = xasprintf("6.1.0-%zu-amd64", k);

		kernels[k] = plan_get_kernel(p, release, "x86_64");
	}
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *name = xasprintf("module%zu", m);

		for (size_t k = 0; k < KERNELS; k++)
			plan_add_job(p, JOB_INSTALL, kernels[k], name, "1.0");
	}
	job_index_init(&index, p->jobs + first, p->n_jobs - first);
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *needed = xasprintf("module%zu", m - 1);

		for (size_t k = 0; k < KERNELS && m % 4; k++) {
			size_t n;

			plan_add_edge(p, *job_index_find(&index, needed, kernels[k], &n),
				p->jobs[first + m * KERNELS + k], EDGE_NEEDS);
		}
	}
	job_index_done(&index);
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

/* A task that runs /bin/true. */
struct true_task {
	struct command cmd;
	bool started;
};

static enum task_step step_true(void *task, const struct outcome *last)
{
	struct true_task *t = task;

	(void)last;
	if (t->started)
		return TASK_OK;
	t->started = true;
	return TASK_COMMAND;
}

static const struct command *true_command(void *task)
{
	return &((struct true_task *)task)->cmd;
}

static void run_processes(size_t n, unsigned int n_slots)
{
	static const struct task_ops ops = {.step = step_true, .command = true_command};
	struct true_task *tasks = xcalloc(n, sizeof(*tasks));
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
