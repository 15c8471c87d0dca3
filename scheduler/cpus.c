/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many CPUs may this process use? */
#include "config.h"

#include "base/file.h"
#include "base/parallel.h"
#include "scheduler/cgroup.h"
#include "scheduler/cpus.h"

/* Reads up to two numbers from the beginning of a file. Returns how many there are. */
static int read_numbers(const char *dir, const char *file, long *ret_first, long *ret_second)
{
	_cleanup_(str_done) struct str text = {0};
	_cleanup_free_ char *path = path_join(dir, file);

	if (file_read(path, 4096, &text, NULL) < 0 || !text.data)
		return 0;
	return sscanf(text.data, "%ld %ld", ret_first, ret_second);
}

/* Lowers *userdata, which is a number of CPUs or 0 for no limit yet, to the quota of a
 * control group, rounded up to whole CPUs. The kernel's documentation describes the
 * files: admin-guide/cgroup-v2.rst for cpu.max, which holds "QUOTA PERIOD" or "max
 * PERIOD", and scheduler/sched-bwc.rst for those of version 1, where a quota of -1 means
 * none. */
static void apply_quota(const char *dir, void *userdata)
{
	unsigned int *least = userdata, cpus;
	long quota = 0, period = 0, none;

	if (read_numbers(dir, "cpu.max", &quota, &period) != 2 &&
		(read_numbers(dir, "cpu.cfs_quota_us", &quota, &none) != 1 ||
			read_numbers(dir, "cpu.cfs_period_us", &period, &none) != 1))
		return;
	if (quota <= 0 || period <= 0)
		return;
	cpus = (unsigned int)((quota + period - 1) / period);
	if (!*least || cpus < *least)
		*least = cpus;
}

unsigned int cpus_available(void)
{
	unsigned int quota = 0, n = parallel_count_cpus();

	cgroup_visit_all("cpu", apply_quota, &quota);
	return quota && quota < n ? quota : n;
}
