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

	/* The result is ignored: not every file system has locks. */
	if (fd >= 0)
		file_lock(fd, LOCK_EX);
	return fd;
}
