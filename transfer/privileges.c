/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up what root may do. */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "transfer/privileges.h"

#define FILES_MAX 1024
#define THREADS_MAX 128        /* a name is looked up in a thread */
#define FILTER_MAX (64 * 1024) /* bytes */

static void limit(int resource, rlim_t max)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return;
	if (now.rlim_max > max)
		now.rlim_max = max;
	now.rlim_cur = now.rlim_max;
	(void)setrlimit((__rlimit_resource_t)resource, &now);
}

int privileges_drop(uid_t uid)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, FILES_MAX);
	if (uid) {
		limit(RLIMIT_NPROC, THREADS_MAX);
		if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
			setresuid(uid, uid, uid) < 0)
			return -errno;
	}
	/* With the user, all capabilities have gone; nothing brings them back. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	umask(077);
	return chdir("/") < 0 ? -errno : 0;
}

int privileges_filter(int fd)
{
	_cleanup_(str_done) struct str bytes = {0};
	struct sock_fprog program;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno
					   : file_read_fd(fd, FILTER_MAX, &bytes);

	if (r < 0)
		return r;
	if (!bytes.len || bytes.len % sizeof(struct sock_filter))
		return -EINVAL;
	program.len = (unsigned short)(bytes.len / sizeof(struct sock_filter));
	program.filter = (void *)bytes.data;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}
