/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process may change the source tree? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"
#include "builder/tree/source-lock.h"

int source_lock_take(const struct settings *s)
{
	int fd = open(s->trees.source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* If the file system has no locks, there is none. */
	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	return fd;
}
