/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control groups are we in? /proc/self/cgroup has a line "0::PATH" for version 2. */
#include "config.h"

#include "base/file.h"
#include "scheduler/cgroup.h"

#define ROOT "/sys/fs/cgroup"
#define FILE_MAX 65536

void cgroup_each(void (*visit)(const char *dir, void *userdata), void *userdata)
{
	_cleanup_(str_done) struct str own = {0};
	_cleanup_free_ char *dir = NULL;
	char *line, *rest, *slash;

	if (file_read("/proc/self/cgroup", FILE_MAX, &own, NULL) < 0)
		return;
	rest = own.data;
	while ((line = strsep(&rest, "\n")) && !has_prefix(line, "0::/"))
		;
	if (!line)
		return;
	dir = xasprintf(ROOT "%s", line + strlen("0::"));
	do {
		slash = strrchr(dir, '/');
		if (slash[1]) /* not for "/" twice, when we are in the root */
			visit(dir, userdata);
		*slash = '\0';
	} while (has_prefix(dir, ROOT));
}
