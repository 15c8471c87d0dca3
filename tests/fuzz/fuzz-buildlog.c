/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extracts the cause of a failure from a make.log. */
#include "config.h"

#include "builder/build/buildlog.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *why = buildlog_explain_failure(fuzz_file(data, size), "/b");

	if (!why)
		return 0;
	MUST(*why);
	/* The reported line, the mark of a gap, and the last lines. */
	for (const char *c = why, *lines = c; c; lines = c)
		c = strchr(lines, '\n') ? strchr(lines, '\n') + 1 : NULL;
	MUST(strlen(why) <= size + strlen("...\n\n"));
	return 0;
}
