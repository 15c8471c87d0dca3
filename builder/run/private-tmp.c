/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do the commands of one job leave to each other in /tmp? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/walk.h"
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

bool private_tmp_is_used(const char *path)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	bool used = walk_begin(&w, path, 0) < 0;

	while (!used && (e = walk_next(&w))) {
		struct stat st;

		used = e->error || fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		       st.st_uid != geteuid() ||
		       !(S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0));
	}
	return used;
}
