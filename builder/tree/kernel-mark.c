/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a run changed the modules of a kernel without finishing? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/tree/kernel-mark.h"

#define UNFINISHED ".unfinished-"
#define DEPMOD ".depmod-"

static char *mark_path(const char *dkms_tree, const char *prefix, const char *release)
{
	return xasprintf("%s/%s%s", dkms_tree, prefix, release);
}

enum kernel_mark_state kernel_mark_read(const char *dkms_tree, const char *release)
{
	_cleanup_free_ char *unfinished = mark_path(dkms_tree, UNFINISHED, release);
	_cleanup_free_ char *depmod = mark_path(dkms_tree, DEPMOD, release);
	_cleanup_close_ int fd = open(unfinished, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && file_lock(fd, LOCK_EX | LOCK_NB) == -EAGAIN)
		return KERNEL_FINISHED;
	if (fd >= 0 || path_look(unfinished) != 0)
		return KERNEL_UNFINISHED;
	return path_look(depmod) != 0 ? KERNEL_NEEDS_DEPMOD : KERNEL_FINISHED;
}

int kernel_mark_list(const char *dkms_tree, struct strv *ret)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(dkms_tree, &names);

	for (size_t i = 0; i < names.n; i++) {
		if (has_prefix(names.items[i], UNFINISHED))
			strv_push(ret, names.items[i] + strlen(UNFINISHED));
		else if (has_prefix(names.items[i], DEPMOD))
			strv_push(ret, names.items[i] + strlen(DEPMOD));
	}
	return r == -ENOENT ? 0 : r;
}

/* Makes or opens the mark and locks it. Returns the descriptor, -EAGAIN if another process
 * has removed the mark meanwhile, or another negative errno. */
static int open_mark(const char *path)
{
	_cleanup_close_ int fd =
		open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat mine, there;

	if (fd < 0)
		return -errno;
	file_lock(fd, LOCK_SH); /* not every file system has locks */
	if (fstat(fd, &mine) < 0)
		return -errno;
	if (lstat(path, &there) < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	return stat_is_same(&mine, &there) ? take_fd(&fd) : -EAGAIN;
}

int kernel_mark_set(
	const char *dkms_tree, const char *release, int *fd, struct error *err)
{
	_cleanup_free_ char *path = mark_path(dkms_tree, UNFINISHED, release);
	int r = *fd < 0 ? -EAGAIN : *fd;

	while (r == -EAGAIN)
		r = open_mark(path);
	if (r < 0)
		return error_errno(err, r, 1, "cannot make %s", path);
	if (*fd >= 0)
		return 0;
	*fd = r;
	r = dir_sync(dkms_tree);
	return r < 0 ? error_errno(err, r, 1, "cannot write %s", dkms_tree) : 0;
}

static int remove_mark(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int kernel_mark_finish(const char *dkms_tree, const char *release,
	enum kernel_mark_state state, int *fd, struct error *err)
{
	_cleanup_free_ char *unfinished = mark_path(dkms_tree, UNFINISHED, release);
	_cleanup_free_ char *depmod = mark_path(dkms_tree, DEPMOD, release);
	_cleanup_close_ int mine = take_fd(fd);
	int r = 0;

	if (mine < 0)
		mine = open(unfinished, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (mine >= 0 && file_lock(mine, LOCK_EX | LOCK_NB) == -EAGAIN)
		return 0;
	if (state == KERNEL_FINISHED)
		r = remove_mark(depmod);
	if (r == 0 && state == KERNEL_FINISHED)
		r = remove_mark(unfinished);
	if (state == KERNEL_NEEDS_DEPMOD && rename(unfinished, depmod) < 0 &&
		errno != ENOENT)
		r = -errno;
	return r < 0 ? error_errno(err, r, 1, "cannot change %s", unfinished) : 0;
}
