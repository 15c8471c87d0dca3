/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* For fuzz targets of libFuzzer: provides bytes as a file, and checks conditions. */

#include <stdint.h>
#include <sys/mman.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A condition that a parser must fulfil for every input. */
#define MUST(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__,    \
				#condition);                                             \
			abort();                                                         \
		}                                                                        \
	} while (0)

/* Returns the path of a file in memory with these bytes. The path is the same for each
 * call. */
static inline const char *fuzz_file(const void *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		MUST(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	MUST(ftruncate(fd, 0) == 0);
	MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

/* Removes the first line from the input and returns it. Caller frees. */
static inline char *fuzz_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t n = end ? (size_t)(end - *data) : *size;
	char *line = xcalloc(n + 1, 1);

	memcpy(line, *data, n);
	*data += end ? n + 1 : n;
	*size -= end ? n + 1 : n;
	return line;
}

#endif
