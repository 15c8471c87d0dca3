/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the log of a failed build end? */
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/json-text.h"
#include "cli/log-tail.h"

#define TAIL_MAX (8 * 1024)

json_t *log_tail_read(const char *path)
{
	char bytes[TAIL_MAX + 1], *start = bytes;
	struct read_guard guard = {0};
	struct stat st;
	_cleanup_close_ int fd = path ? guard_open_file(path, &guard, &st) : -1;
	off_t skipped;
	ssize_t n;

	if (fd < 0)
		return json_null();
	skipped = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
	n = pread(fd, bytes, TAIL_MAX, skipped);
	if (n <= 0)
		return json_null();
	bytes[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if (!bytes[i])
			bytes[i] = '?';
	if (skipped && strchr(bytes, '\n'))
		start = strchr(bytes, '\n') + 1;
	return json_text(start);
}
