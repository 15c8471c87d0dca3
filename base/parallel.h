/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stdint.h>

#include "base/util.h"

/* Threads for short work that mostly waits in the kernel, such as reading many
 * directories before anything else can begin. Code that runs in the event loop uses the
 * threads of libuv instead. */

#define PARALLEL_MAX 4

/* Returns how many CPUs the affinity of this thread permits; at least 1. */
unsigned int parallel_count_cpus(void);

/* Returns how many threads to use for n items if each thread is to get at least
 * per_thread items: from 1 to PARALLEL_MAX, and not more than parallel_count_cpus(). */
size_t parallel_threads(size_t n, size_t per_thread);

/* Calls fn(arg, thread, i) once for each i below n. The threads are numbered from 0,
 * which is the calling one, to threads - 1; each takes the next i when it is free.
 * Returns when all calls have returned. If some threads cannot be started, the others do
 * their work. */
void parallel_for(size_t n, size_t threads,
	void (*fn)(void *arg, size_t thread, size_t i), void *arg);

/* Returns the CPU time (ns) that the calling thread has used, with the time of the
 * threads that parallel_for has started for it. */
uint64_t parallel_cpu_ns(void);
/* Adds to it what a process has used that the calling thread has waited for. */
void parallel_add_cpu_ns(uint64_t ns);

#endif
