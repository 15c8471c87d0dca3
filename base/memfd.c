/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/memfd.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int memfd_make(const char *name, const void *bytes, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : write_all(fd, bytes, n);

	if (r == 0)
		r = memfd_seal(fd);
	if (r == 0)
		return fd;
	close_ptr(&fd);
	return r;
}

int memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0 ? -errno : 0;
}

bool memfd_is_sealed(int fd)
{
	return fcntl(fd, F_GET_SEALS) == ALL_SEALS;
}
