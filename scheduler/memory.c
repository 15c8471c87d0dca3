/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory is available? The kernel reports it as MemAvailable in /proc/meminfo,
 * described in proc_meminfo(5). Each control group of this process may have a limit as
 * well, described in the kernel's documentation: admin-guide/cgroup-v2.rst, and
 * admin-guide/cgroup-v1/memory.rst for version 1. */
#include "config.h"

#include <inttypes.h>

#include "base/file.h"
#include "scheduler/cgroup.h"
#include "scheduler/memory.h"

#define FILE_MAX 65536 /* bytes; more than such a file has */

/* Finds the first line of the file that begins with key and reads the number behind it.
 * Returns false if there is no such line or no number. */
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

/* Files of a control group, for version 2 and for version 1. */
static const struct group_files {
	const char *limit;     /* has the limit (bytes), or "max" for none */
	const char *used;      /* has the memory in use (bytes), with the page cache */
	const char *stat;      /* has details */
	const char *cache_key; /* of the line in stat that has the page cache (bytes) */
} versions[] = {
	{"memory.max", "memory.current", "memory.stat", "file "},
	{"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat", "total_cache "},
};

/* As find_number(), for a file in a directory. */
static bool find_number_in(
	const char *dir, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *path = path_join(dir, file);

	return find_number(path, key, ret);
}

/* Returns how much more memory (bytes) a control group may use, or UINT64_MAX if it has
 * no limit. The page cache does not count as used, because the kernel can drop it. */
static uint64_t available_in_group(const char *dir, const struct group_files *files)
{
	uint64_t limit, used, cache = 0;

	/* Without a limit the file has "max", which is not a number. */
	if (!find_number_in(dir, files->limit, "", &limit) ||
		!find_number_in(dir, files->used, "", &used))
		return UINT64_MAX;
	find_number_in(dir, files->stat, files->cache_key, &cache);
	used -= cache < used ? cache : used;
	return limit > used ? limit - used : 0;
}

/* Lowers *userdata to the memory (bytes) that is available in the control group. */
static void apply_limit(const char *dir, void *userdata)
{
	uint64_t *least = userdata;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		uint64_t left = available_in_group(dir, &versions[i]);

		*least = left < *least ? left : *least;
	}
}

uint64_t memory_available(void)
{
	uint64_t kib, left = UINT64_MAX;

	cgroup_visit_all("memory", apply_limit, &left);
	if (!find_number("/proc/meminfo", "MemAvailable:", &kib))
		return left;
	return kib * 1024 < left ? kib * 1024 : left;
}

/* What the nearest group that counts has counted. */
struct group_kills {
	bool known;
	uint64_t n;
};

static void find_kills(const char *dir, void *userdata)
{
	struct group_kills *kills = userdata;

	if (!kills->known)
		kills->known = find_number_in(dir, "memory.events", "oom_kill ", &kills->n);
}

uint64_t memory_count_kills(void)
{
	struct group_kills of_group = {0};
	uint64_t kills = 0;

	cgroup_visit_all("memory", find_kills, &of_group);
	if (of_group.known)
		return of_group.n;
	(void)find_number("/proc/vmstat", "oom_kill ", &kills);
	return kills;
}
