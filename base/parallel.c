/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the iterations of a loop in a few threads. */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/parallel.h"

/* CPU time of the threads that this thread has started and waited for. */
static _Thread_local uint64_t helpers_ns;

struct loop {
	size_t n;
	void (*fn)(void *arg, size_t thread, size_t i);
	void *arg;
	atomic_size_t next;
};

struct worker {
	struct loop *loop;
	size_t thread;
	pthread_t id;
	uint64_t cpu_ns; /* set when the thread ends */
};

unsigned int parallel_count_cpus(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&cpus);
}

size_t parallel_threads(size_t n, size_t per_thread)
{
	size_t threads = n / per_thread;

	if (threads > PARALLEL_MAX)
		threads = PARALLEL_MAX;
	if (threads > 1 && threads > parallel_count_cpus())
		threads = parallel_count_cpus();
	return threads ? threads : 1;
}

uint64_t parallel_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)timespec_ns(&used) + helpers_ns;
}

void parallel_add_cpu_ns(uint64_t ns)
{
	helpers_ns += ns;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	size_t i;

	while ((i = atomic_fetch_add(&w->loop->next, 1)) < w->loop->n)
		w->loop->fn(w->loop->arg, w->thread, i);
	w->cpu_ns = parallel_cpu_ns();
	return NULL;
}

void parallel_for(size_t n, size_t threads,
	void (*fn)(void *arg, size_t thread, size_t i), void *arg)
{
	struct loop loop = {.n = n, .fn = fn, .arg = arg};
	struct worker workers[PARALLEL_MAX];

	if (threads > PARALLEL_MAX)
		threads = PARALLEL_MAX;
	for (size_t i = 0; i < threads; i++) {
		workers[i] = (struct worker){.loop = &loop, .thread = i};
		if (i > 0 && pthread_create(&workers[i].id, NULL, work, &workers[i]) != 0)
			threads = i;
	}
	work(&(struct worker){.loop = &loop});
	for (size_t i = 1; i < threads; i++) {
		pthread_join(workers[i].id, NULL);
		helpers_ns += workers[i].cpu_ns;
	}
}
