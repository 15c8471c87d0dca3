/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stdint.h>

#include "base/util.h"

/* Threads for short work that waits in the kernel, such as reading many directories
 * before anything else can go on. What has a loop uses the loop's. */

#define PARALLEL_MAX 4

/* Returns how many CPUs the affinity of this thread permits; at least 1. */
unsigned int parallel_count_cpus(void);

/* How many threads n items should get when each thread is to have per_thread of them at
 * least: from 1 to PARALLEL_MAX, and no more than we have CPUs. */
size_t parallel_threads(size_t n, size_t per_thread);

/* Calls fn(arg, thread, i) once for each i below n, in threads numbered 0 (ours) to
 * threads - 1, as each is free; returns when all is done. Fewer threads do the work
 * when some cannot be started. */
void parallel_for(size_t n, size_t threads,
	void (*fn)(void *arg, size_t thread, size_t i), void *arg);

/* CPU time of our thread so far (ns), and of those that parallel_for has started for it. */
uint64_t parallel_cpu_ns(void);

#endif
