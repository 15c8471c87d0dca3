/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which jobs does a plan have for a module on a kernel? */
#include "config.h"

#include "scheduler/job-index.h"

static int compare_places(
	const struct job *job, const char *name, const struct kernel *kernel)
{
	int order = strcmp(job->name, name);

	if (order)
		return order;
	return (job->kernel > kernel) - (job->kernel < kernel);
}

static int compare_jobs(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
	int order = compare_places(x, y->name, y->kernel);

	if (order)
		return order;
	return (x->number > y->number) - (x->number < y->number);
}

void job_index_init(struct job_index *index, struct job *const *jobs, size_t n)
{
	*index = (struct job_index){.jobs = xcalloc(n + 1, sizeof(*index->jobs))};
	for (size_t i = 0; i < n; i++)
		if (jobs[i]->name && jobs[i]->kernel)
			index->jobs[index->n++] = jobs[i];
	qsort(index->jobs, index->n, sizeof(*index->jobs), compare_jobs);
}

void job_index_done(struct job_index *index)
{
	free(index->jobs);
	*index = (struct job_index){0};
}

struct job *const *job_index_find(const struct job_index *index, const char *name,
	const struct kernel *kernel, size_t *ret_n)
{
	size_t low = 0, high = index->n, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_places(index->jobs[middle], name, kernel) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < index->n; end++)
		if (compare_places(index->jobs[end], name, kernel) != 0)
			break;
	*ret_n = end - low;
	return end > low ? &index->jobs[low] : NULL;
}
