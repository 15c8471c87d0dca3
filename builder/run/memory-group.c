/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory may the commands of a job use together? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "builder/run/memory-group.h"

#define ROOT "/sys/fs/cgroup"
#define PREFIX "dkms-"
#define FILE_MAX 65536 /* bytes; more than such a file has */

/* Reads a file of a group. Returns NULL if it is not there, as in the root group. */
static char *read_value(const char *group, const char *file)
{
	_cleanup_free_ char *path = path_join(group, file);
	struct str text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		str_done(&text);
	return text.data;
}

/* Writes a file of a group. Returns 0 or a negative errno. */
static int write_value(const char *group, const char *file, const char *value)
{
	_cleanup_free_ char *path = path_join(group, file);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : write_all(fd, value, strlen(value));
}

/* Returns the directory of the group that dkms is in, or NULL if there are no groups of
 * version 2. The line "0::PATH" of /proc/self/cgroup names it: cgroups(7). */
static char *find_own_group(void)
{
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	struct statfs fs;

	if (statfs(ROOT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC ||
		file_read("/proc/self/cgroup", FILE_MAX, &text, NULL) < 0)
		return NULL;
	rest = text.data;
	while ((line = strsep(&rest, "\n")))
		if (has_prefix(line, "0::/") && !path_has_dot_dot(line))
			return xasprintf(ROOT "%s", streq(line, "0::/") ? "" : line + 3);
	return NULL;
}

/* Returns whether the children of the group have limits for their memory. */
static bool gives_memory(const char *group)
{
	_cleanup_free_ char *names = read_value(group, "cgroup.subtree_control");
	_cleanup_(strv_done) struct strv words = {0};

	strv_split(&words, names ? names : "");
	return strv_contains(&words, "memory");
}

/* Returns whether the group has a limit itself, which its builds must not leave. */
static bool has_limit(const char *group)
{
	_cleanup_free_ char *max = read_value(group, "memory.max");
	_cleanup_free_ char *high = read_value(group, "memory.high");

	return (max && !has_prefix(max, "max")) || (high && !has_prefix(high, "max"));
}

/* Finds the group in which those of the jobs are made. Returns 0, or a negative errno and
 * err. */
static int find_parent(char **ret, struct error *err)
{
	_cleanup_free_ char *group = find_own_group();

	while (group && !gives_memory(group)) {
		if (has_limit(group))
			return error_set(err, -EOPNOTSUPP, 1,
				"%s has a limit for dkms and its builds", group);
		if (streq(group, ROOT))
			free(TAKE_PTR(group));
		else
			*strrchr(group, '/') = '\0';
	}
	if (!group)
		return error_set(err, -EOPNOTSUPP, 1,
			"there are no control groups of version 2 with memory here");
	*ret = TAKE_PTR(group);
	return 0;
}

/* Removes the groups that killed processes have left. */
static void remove_old_groups(const char *parent)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(parent, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *group = path_join(parent, names.items[i]);
		int pid;

		if (sscanf(names.items[i], PREFIX "%d-", &pid) == 1 && pid > 0 &&
			kill(pid, 0) < 0 && errno == ESRCH)
			rmdir(group);
	}
}

int memory_group_make(uint64_t max_bytes, char **ret, struct error *err)
{
	static unsigned int n_made;
	_cleanup_free_ char *parent = NULL, *group = NULL, *max = NULL;
	int r = find_parent(&parent, err);

	if (r < 0)
		return r;
	remove_old_groups(parent);
	group = xasprintf("%s/" PREFIX "%d-%u", parent, (int)getpid(), ++n_made);
	max = xasprintf("%" PRIu64, max_bytes);
	if (mkdir(group, 0755) < 0)
		return error_errno(err, -errno, 1, "cannot make %s", group);
	r = write_value(group, "memory.max", max);
	if (r < 0) {
		rmdir(group);
		return error_errno(err, r, 1, "cannot write %s/memory.max", group);
	}
	/* The first is missing in a kernel without swap, the second in an old one. */
	write_value(group, "memory.swap.max", "0");
	write_value(group, "memory.oom.group", "1");
	*ret = TAKE_PTR(group);
	return 0;
}

bool memory_group_was_full(const char *group)
{
	_cleanup_free_ char *events = group ? read_value(group, "memory.events") : NULL;
	const char *line = events ? strstr(events, "oom_kill ") : NULL;

	return line && line[strlen("oom_kill ")] != '0';
}

void memory_group_remove(char *group)
{
	if (group)
		rmdir(group);
	free(group);
}
