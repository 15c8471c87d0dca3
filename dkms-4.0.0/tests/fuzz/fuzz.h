/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* For fuzz targets of libFuzzer: bytes as a file, and what must hold. */

#include <stdint.h>
#include <sys/mman.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a parser promises, whatever it is given. */
#define MUST(condition)                                                                  \
	do {                                                                             \
		if (!(condition)) {                                                      \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__,    \
				#condition);                                             \
			abort();                                                         \
		}                                                                        \
	} while (0)

/* The path of a file with these bytes, in memory; the same path each time. */
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

/* Takes the first line off the input; caller frees. */
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
