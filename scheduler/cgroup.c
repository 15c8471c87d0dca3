/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control groups are we in? cgroups(7): a line of /proc/self/cgroup is "0::PATH" for
 * version 2 and "ID:CONTROLLER,CONTROLLER:PATH" for version 1, where each controller has a
 * hierarchy of its own. */
#include "config.h"

#include "base/file.h"
#include "scheduler/cgroup.h"

#define ROOT "/sys/fs/cgroup"
#define FILE_MAX 65536

static bool names_controller(char *list, const char *controller)
{
	char *name;

	while ((name = strsep(&list, ",")))
		if (streq(name, controller))
			return true;
	return false;
}

/* The directory root/path and each one above it, root itself included. */
static void visit_up(const char *root, const char *path, cgroup_visit_fn *visit,
	void *userdata)
{
	_cleanup_free_ char *dir = xasprintf("%s%s", root, streq(path, "/") ? "" : path);

	do {
		visit(dir, userdata);
		*strrchr(dir, '/') = '\0';
	} while (has_prefix(dir, root));
}

void cgroup_visit_all(const char *controller, cgroup_visit_fn *visit, void *userdata)
{
	_cleanup_free_ char *root = path_join(ROOT, controller);
	_cleanup_(str_done) struct str own = {0};
	char *line, *rest;

	if (file_read("/proc/self/cgroup", FILE_MAX, &own, NULL) < 0)
		return;
	rest = own.data;
	while ((line = strsep(&rest, "\n"))) {
		char *id = strsep(&line, ":"), *controllers = strsep(&line, ":");

		if (!line || *line != '/')
			continue;
		if (streq(id, "0") && !*controllers)
			visit_up(ROOT, line, visit, userdata);
		else if (names_controller(controllers, controller))
			visit_up(root, line, visit, userdata);
	}
}
