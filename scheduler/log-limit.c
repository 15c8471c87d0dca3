/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a command written too much to its log? */
#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "scheduler/log-limit.h"

bool log_is_full(int fd, uint64_t max_bytes)
{
	struct stat st;

	return max_bytes && fd >= 0 && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_size > max_bytes;
}

void log_cut(int fd, uint64_t max_bytes)
{
	static const char note[] = "\n# dkms: the log is cut off here: see max_log\n";

	if (ftruncate(fd, (off_t)max_bytes) == 0)
		write_all(fd, note, sizeof(note) - 1);
}
