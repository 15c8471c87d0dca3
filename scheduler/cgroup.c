/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control groups is this process in? As cgroups(7) describes, /proc/self/cgroup has
 * a line "0::PATH" for version 2, and a line "ID:CONTROLLER,CONTROLLER:PATH" for each
 * hierarchy of version 1, where controllers have hierarchies of their own. */
#include "config.h"

#include "base/file.h"
#include "scheduler/cgroup.h"

#define ROOT "/sys/fs/cgroup"
#define FILE_MAX 65536 /* bytes; more than such a file has */

/* Returns whether the controller is in the list, which is separated by commas and is
 * modified. */
static bool names_controller(char *list, const char *controller)
{
	char *name;

	while ((name = strsep(&list, ",")))
		if (streq(name, controller))
			return true;
	return false;
}

/* Calls visit for the directory root/path and for each directory above it, up to root
 * itself. */
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
