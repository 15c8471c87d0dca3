/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler itself costs: modules × kernels as jobs of a plan, run by a fake
 * runner's tasks that end at once; then processes that do nothing. Prints a table, judges
 * nothing. An optimised build: ./configure && make bench/scheduler && bench/scheduler */
#include "config.h"

#include <malloc.h>
#include <sys/resource.h>

#include "scheduler/estimate.h"
#include "scheduler/plan.h"
#include "scheduler/runner.h"

#define KERNELS 50
#define PROCESSES 2000

static double cpu_ms(int who)
{
	struct rusage used;

	getrusage(who, &used);
	return 1e3 * (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       1e-3 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double allocated_bytes(void)
{
	struct mallinfo2 now = mallinfo2();

	return (double)now.uordblks + (double)now.hblkhd;
}

/* Tasks that end at once, and what is noted of them. */

struct notes {
	size_t ended;
	double most_bytes;
};

static enum task_step end_at_once(void *task, const struct outcome *last)
{
	(void)task;
	(void)last;
	return TASK_OK;
}

static void on_fake_event(enum run_event event, struct node *node, void *userdata)
{
	struct notes *notes = userdata;
	double bytes;

	(void)node;
	if (event != RUN_ENDED)
		return;
	if (notes->ended++ % 512)
		return;
	bytes = allocated_bytes();
	if (bytes > notes->most_bytes)
		notes->most_bytes = bytes;
}

/* Each module needs the one before it, in chains of four, and each kernel gets a depmod. */
static void add_jobs(struct plan *p, size_t n_modules)
{
	struct kernel *kernels[KERNELS];
	size_t first = p->n_jobs;

	for (size_t k = 0; k < KERNELS; k++) {
		_cleanup_free_ char *release = xasprintf("6.1.0-%zu-amd64", k);

		kernels[k] = plan_kernel(p, release, "x86_64");
	}
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *name = xasprintf("module%zu", m);

		for (size_t k = 0; k < KERNELS; k++)
			plan_add(p, JOB_INSTALL, kernels[k], name, "1.0");
	}
	for (size_t m = 0; m < n_modules; m++) {
		_cleanup_free_ char *needed = xasprintf("module%zu", m - 1);

		for (size_t k = 0; k < KERNELS && m % 4; k++)
			plan_edge(p, plan_find(p, first, needed, kernels[k]),
				p->jobs[first + m * KERNELS + k], EDGE_NEEDS);
	}
	plan_add_depmods(p);
	estimate_jobs(p->history, p->jobs, p->n_jobs);
	for (size_t i = 0; i < p->n_jobs; i++)
		p->graph.nodes[i]->cost = (long)p->jobs[i]->expected_ms;
}

static void measure_fake(size_t n_modules)
{
	static const struct task_ops ops = {.step = end_at_once};
	struct notes notes = {0};
	struct observer observer = {on_fake_event, &notes};
	struct runner_options options = {.observer = &observer};
	struct settings settings;
	struct slots slots;
	struct plan plan;
	uv_loop_t loop;
	double bytes = allocated_bytes(), start = cpu_ms(RUSAGE_SELF), planned, run;

	settings_init(&settings);
	uv_loop_init(&loop);
	plan_init(&plan, &loop, &settings);
	slots_init(&slots, 8);
	options.slots = &slots;
	add_jobs(&plan, n_modules);
	planned = cpu_ms(RUSAGE_SELF) - start;
	runner_run(&loop, &plan.graph, &ops, &options);
	run = cpu_ms(RUSAGE_SELF) - start - planned;
	printf("fake    %6zu jobs  plan %6.1f ms  run %6.1f ms  %5.1f us a job  %4.0f bytes a job\n",
		notes.ended, planned, run, 1e3 * (planned + run) / (double)notes.ended,
		(notes.most_bytes - bytes) / (double)notes.ended);
	slots_done(&slots);
	plan_done(&plan);
	uv_loop_close(&loop);
	settings_done(&settings);
}

/* Processes that do nothing. */

struct nothing {
	struct command cmd;
	bool started;
	double *busy_s; /* of all of them */
};

static enum task_step run_nothing(void *task, const struct outcome *last)
{
	struct nothing *t = task;

	if (last)
		*t->busy_s += last->elapsed_s;
	if (t->started)
		return TASK_OK;
	t->started = true;
	return TASK_COMMAND;
}

static const struct command *command_of(void *task)
{
	return &((struct nothing *)task)->cmd;
}

static void measure_processes(unsigned int n_slots)
{
	static const struct task_ops ops = {.step = run_nothing, .command = command_of};
	struct nothing *tasks = xcalloc(PROCESSES, sizeof(*tasks));
	struct runner_options options = {0};
	struct graph g = {0};
	struct slots slots;
	uv_loop_t loop;
	double busy_s = 0, own, theirs, wall_s;
	uint64_t start;

	uv_loop_init(&loop);
	slots_init(&slots, n_slots);
	options.slots = &slots;
	for (size_t i = 0; i < PROCESSES; i++) {
		command_init(&tasks[i].cmd);
		strv_push(&tasks[i].cmd.argv, "/bin/true");
		tasks[i].cmd.jobserver = true;
		tasks[i].busy_s = &busy_s;
		graph_add(&g, &tasks[i], 0);
	}
	own = cpu_ms(RUSAGE_SELF);
	theirs = cpu_ms(RUSAGE_CHILDREN);
	start = uv_hrtime();
	runner_run(&loop, &g, &ops, &options);
	wall_s = (double)(uv_hrtime() - start) / 1e9;
	own = cpu_ms(RUSAGE_SELF) - own;
	theirs = cpu_ms(RUSAGE_CHILDREN) - theirs;
	printf("true    %6d jobs  %u slots %.0f %% busy  %.0f a second  CPU of ours %.0f us, of theirs %.0f us a job\n",
		PROCESSES, n_slots, 1e2 * busy_s / (wall_s * n_slots), PROCESSES / wall_s,
		1e3 * own / PROCESSES, 1e3 * theirs / PROCESSES);
	for (size_t i = 0; i < PROCESSES; i++)
		command_done(&tasks[i].cmd);
	graph_done(&g);
	slots_done(&slots);
	uv_loop_close(&loop);
	free(tasks);
}

int main(void)
{
#ifdef __SANITIZE_ADDRESS__
	fprintf(stderr, "scheduler: this is a debug build, its times and memory mean nothing\n");
	return 1;
#endif
	for (size_t n_modules = 50; n_modules <= 400; n_modules *= 2)
		measure_fake(n_modules);
	printf("        aim: 10,000 jobs below 1000 us and 4096 bytes each, no matter how many there are\n");
	measure_processes(slots_default());
	measure_processes(4 * slots_default());
	printf("        aim: all slots busy\n");
	return 0;
}
