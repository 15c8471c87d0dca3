/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which job may change a kernel's tree? One at a time. */
#include "config.h"

#include "builder/tree/kernel-mark.h"
#include "builder/install/kernel-lock.h"

int kernel_begin_change(struct job *job)
{
	struct kernel *k = job->kernel;
	int r = kernel_mark_set(job->shared->settings->trees.dkms, k->release,
		&k->mark_fd, &job->outcome.error);

	if (r == 0)
		k->n_changing++;
	return r;
}

void kernel_end_change(struct job *job)
{
	job->kernel->n_changing--;
}

int kernel_lock_and_call(struct job *job, int (*change)(struct job *job))
{
	struct lock lock = {0};
	int r;

	pthread_mutex_lock(&job->kernel->lock);
	r = job_try_lock(job, job->kernel->dir, &lock);
	if (r == 0) {
		/* Another process may have changed the tree before. */
		kernel_forget_modules(job->kernel);
		r = change(job);
	}
	lock_release(&lock);
	pthread_mutex_unlock(&job->kernel->lock);
	return r;
}
