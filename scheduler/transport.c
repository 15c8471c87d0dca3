/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "scheduler/transport.h"

#define PROGRAM "dkms-remote-transfer"

/* Returns the path of the program: beside dkms, where that was compiled, or installed. The
 * caller frees. */
static char *find_program(void)
{
	_cleanup_free_ char *self = NULL, *dir = NULL, *path = NULL;

	if (link_read("/proc/self/exe", &self) == 0) {
		dir = path_parent(self);
		path = path_join(dir, "transfer/" PROGRAM);
		if (path_is_program(path))
			return TAKE_PTR(path);
	}
	return xstrdup(DKMSLIBDIR "/" PROGRAM);
}

int transport_start(const struct settings *s, const char *urls, struct user *user,
	struct remote_transport **ret, struct error *err)
{
	_cleanup_free_ char *program = find_program();
	_cleanup_(strv_done) struct strv list = {0};
	struct remote_options options = {.urls = &list, .program = program};
	_cleanup_close_ int filter = -1;
	int r = 0;

	strv_split(&list, urls);
	if (geteuid() == 0 && !user->uid)
		r = user_take(s->trees.dkms, user, err);
	if (r < 0)
		return r;
	options.uid = user->uid;
	filter = seccomp_open_filter(NULL);
	options.filter = filter;
	return remote_transport_start(&options, ret, err);
}
