/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that is left, as the kernel tells it: MemAvailable of proc_meminfo(5), and
 * the limit of every control group that we are in (admin-guide/cgroup-v2.rst and, of the
 * version before, cgroup-v1/memory.rst). */
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

/* The files that say what a control group may take, what it has, and the part of that which
 * holds files and can be dropped. */
static const struct names {
	const char *limit, *used, *stat, *files;
} versions[] = {
	{"memory.max", "memory.current", "memory.stat", "file "},
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_cache "},
};

static bool find_in(const char *dir, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *path = path_join(dir, file);

	return find_number(path, key, ret);
}

/* What a control group may still take; UINT64_MAX: it has no limit. */
static uint64_t left_in(const char *dir, const struct names *names)
{
	uint64_t limit, used, files = 0;

	if (!find_in(dir, names->limit, "", &limit) || !find_in(dir, names->used, "", &used))
		return UINT64_MAX; /* "max" is no number */
	find_in(dir, names->stat, names->files, &files);
	used -= files < used ? files : used;
	return limit > used ? limit - used : 0;
}

static void look_at(const char *dir, void *userdata)
{
	uint64_t *least = userdata;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		uint64_t left = left_in(dir, &versions[i]);

		*least = left < *least ? left : *least;
	}
}

uint64_t memory_available(void)
{
	uint64_t kib, left = UINT64_MAX;

	cgroup_visit_all("memory", look_at, &left);
	if (!find_number("/proc/meminfo", "MemAvailable:", &kib))
		return left;
	return kib * 1024 < left ? kib * 1024 : left;
}
