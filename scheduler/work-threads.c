/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads does libuv start for work? */
#include "config.h"

#include "base/parallel.h"
#include "scheduler/work-threads.h"

static void on_nothing(uv_work_t *work)
{
	(void)work;
}

static void on_nothing_done(uv_work_t *work, int status)
{
	(void)work;
	(void)status;
}

/* libuv starts its threads when it is first given
 * work, and reads their number from the environment then. The variable is set for that
 * call alone, because the commands of dkms inherit its environment, and no thread may read
 * the environment meanwhile: so this work does nothing. */
void work_threads_start(uv_loop_t *loop)
{
	static const char name[] = "UV_THREADPOOL_SIZE";
	static bool started;
	static uv_work_t nothing;
	_cleanup_free_ char *before = NULL;
	char threads[16];

	if (started)
		return;
	started = true;
	if (getenv(name))
		before = xstrdup(getenv(name));
	snprintf(threads, sizeof(threads), "%u", parallel_count_cpus());
	setenv(name, threads, 1);
	uv_queue_work(loop, &nothing, on_nothing, on_nothing_done);
	if (before)
		setenv(name, before, 1);
	else
		unsetenv(name);
}
