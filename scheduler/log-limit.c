/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Has a command written too much to its log? */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"
#include "scheduler/log-limit.h"

/* Less free space than this counts as none (bytes), because a compiler that fails has not used
 * the last byte. */
#define DISK_FULL_BYTES (16 * 1024)
/* Less than this (bytes, files) can be filled and emptied again between two looks. What builds
 * write is written byte by byte: their filter refuses fallocate(2). */
#define DISK_LOW_BYTES (256 * 1024 * 1024)
#define DISK_LOW_FILES 4096
#define END_MAX (1024 * 1024) /* of the log that is kept (bytes) */

static bool is_full(int fd, uint64_t max_bytes)
{
	struct stat st;

	return max_bytes && fd >= 0 && fstat(fd, &st) == 0 &&
	       (uint64_t)st.st_size > max_bytes;
}

static void look_at_disk(int fd, struct outcome *ret)
{
	struct statvfs st;
	uint64_t free_bytes;

	if (fd < 0 || fstatvfs(fd, &st) < 0 || !st.f_blocks)
		return;
	free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	ret->disk_full |= free_bytes < DISK_FULL_BYTES || (st.f_files && !st.f_favail);
	ret->disk_low |= free_bytes < DISK_LOW_BYTES ||
			 (st.f_files && st.f_favail < DISK_LOW_FILES);
}

void log_look(int fd, uint64_t max_bytes, struct outcome *ret)
{
	ret->log_full |= is_full(fd, max_bytes);
	look_at_disk(fd, ret);
}

/* Returns the end of the log, at most max bytes of it, from the beginning of a line; the
 * caller frees. NULL if it cannot be read: without /proc. */
static char *read_end(int fd, size_t max, size_t *ret_n)
{
	_cleanup_close_ int reader = open(fd_path(fd).path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = xcalloc(1, max + 1);
	char *begin = text, *nul, *line;
	struct stat st;
	ssize_t n;

	if (reader < 0 || fstat(reader, &st) < 0 || (uint64_t)st.st_size < max)
		return NULL;
	n = pread(reader, text, max, st.st_size - (off_t)max);
	if (n <= 0)
		return NULL;
	/* A command may have made the file longer without writing. */
	nul = memrchr(text, '\0', (size_t)n);
	if (nul)
		begin = nul + 1;
	line = memchr(begin, '\n', (size_t)(text + n - begin));
	if (line)
		begin = line + 1;
	*ret_n = (size_t)(text + n - begin);
	memmove(text, begin, *ret_n);
	return TAKE_PTR(text);
}

void log_cut(int fd, uint64_t max_bytes)
{
	static const char note[] =
		"\n# dkms: the log is cut off here, and goes on with its end: see max_log\n";
	size_t max = max_bytes / 2 < END_MAX ? (size_t)max_bytes / 2 : END_MAX, n = 0;
	_cleanup_free_ char *end = read_end(fd, max, &n);

	if (ftruncate(fd, (off_t)(max_bytes - n)) == 0 &&
		write_all(fd, note, sizeof(note) - 1) == 0 && n)
		write_all(fd, end, n);
}
