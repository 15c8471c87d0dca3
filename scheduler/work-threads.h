/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_WORK_THREADS_H
#define SCHEDULER_WORK_THREADS_H

#include <uv.h>

/* Makes libuv start its threads, one for each processor, unless it has been called before.
 * Call it before uv_queue_work(). */
void work_threads_start(uv_loop_t *loop);

#endif
