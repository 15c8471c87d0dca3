/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which job may change a kernel's tree? One at a time. */
#include "config.h"

#include "builder/install/kernel-lock.h"

int kernel_lock_and_call(struct job *job, int (*change)(struct job *job))
{
	_cleanup_close_ int lock = -1;
	int r;

	pthread_mutex_lock(&job->kernel->lock);
	r = kernel_lock(job->kernel, &lock, &job->outcome.error);
	if (r == 0)
		r = change(job);
	pthread_mutex_unlock(&job->kernel->lock);
	return r;
}
