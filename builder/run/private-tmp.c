/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the commands of one job leave to each other in /tmp? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/run/private-tmp.h"

int private_tmp_make(const char *path, uid_t uid, struct error *err)
{
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : error_errno(err, -errno, 1, "cannot make %s",
						     path);
	/* With the sticky bit only root can rename what bubblewrap has made there. */
	if (lchown(path, uid, uid) < 0 || chmod(path, 01777) < 0)
		return error_errno(err, -errno, 1, "cannot change %s", path);
	return 0;
}

int private_tmp_check(const char *path, const struct strv *argv, struct error *err)
{
	static const char tmp[] = "/tmp/";

	for (size_t i = 0; i < argv->n; i++) {
		_cleanup_free_ char *name = NULL, *top = NULL;
		const char *rest = argv->items[i];
		struct stat st;

		if (streq(argv->items[i], "--"))
			break;
		if (!has_prefix(argv->items[i], tmp))
			continue;
		rest += strlen(tmp);
		rest += strspn(rest, "/");
		name = xstrndup(rest, strcspn(rest, "/"));
		top = path_join(path, name);
		if (lstat(top, &st) < 0) {
			if (errno == ENOENT)
				continue;
			return error_errno(err, -errno, 1, "cannot look at %s", top);
		}
		/* bubblewrap makes a file as the place of a mount. */
		if ((!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) ||
			st.st_uid != geteuid())
			return error_set(err, -EPERM, 1,
				"a command of the module has made /tmp/%s, where the "
				"sandbox needs that name",
				name);
	}
	return 0;
}
