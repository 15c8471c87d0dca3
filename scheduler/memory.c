/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that is left, as the kernel tells it: MemAvailable of proc_meminfo(5), and
 * memory.max of every control group that we are in (admin-guide/cgroup-v2.rst). */
#include "config.h"

#include <inttypes.h>

#include "base/file.h"
#include "scheduler/cgroup.h"
#include "scheduler/memory.h"

#define FILE_MAX 65536

/* The number behind key at the beginning of a line; false when there is none. */
static bool find_number(const char *path, const char *key, uint64_t *ret)
{
	_cleanup_(str_done) struct str text = {0};
	const char *line;

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return false;
	for (line = text.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (has_prefix(line, key))
			return sscanf(line + strlen(key), "%" SCNu64, ret) == 1;
	}
	return false;
}

/* What a control group may still take: what it holds of files can be dropped. */
static uint64_t left_in(const char *dir)
{
	_cleanup_free_ char *max = path_join(dir, "memory.max");
	_cleanup_free_ char *current = path_join(dir, "memory.current");
	_cleanup_free_ char *stat = path_join(dir, "memory.stat");
	uint64_t limit, used, files = 0;

	if (!find_number(max, "", &limit) || !find_number(current, "", &used))
		return UINT64_MAX; /* "max" is no number */
	find_number(stat, "file ", &files);
	used -= files < used ? files : used;
	return limit > used ? limit - used : 0;
}

static void look_at(const char *dir, void *userdata)
{
	uint64_t *least = userdata, left = left_in(dir);

	*least = left < *least ? left : *least;
}

uint64_t memory_available(void)
{
	uint64_t kib, left = UINT64_MAX;

	cgroup_each(look_at, &left);
	if (!find_number("/proc/meminfo", "MemAvailable:", &kib))
		return left;
	return kib * 1024 < left ? kib * 1024 : left;
}
