/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_FUZZ_OUTCOME_H
#define TESTS_FUZZ_FUZZ_OUTCOME_H

/* Makes the outcome of a bash that evaluated configuration files from a text. In the
 * text, line ends stand for the report's NULs, and vertical tabs for its line ends. After
 * a line "=stderr=" comes standard error. The first byte is the exit status; "0" is
 * success. */

#include "builder/run/command.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_outcome(const uint8_t *data, size_t size, struct outcome *ret)
{
	static const char mark[] = "\n=stderr=\n";
	const uint8_t *err = memmem(data, size, mark, strlen(mark));
	size_t out_size = err ? (size_t)(err - data) + 1 : size;
	uint8_t how = size ? data[0] - '0' : 0;

	*ret = (struct outcome){
		.exit_status = how & 1, .timed_out = how & 2, .signal = how & 4 ? 9 : 0};
	for (size_t i = 1; i < out_size; i++) {
		char c = (char)data[i];

		if (c == '\n')
			c = '\0';
		else if (c == '\v')
			c = '\n';
		str_add_bytes(&ret->out, &c, 1);
	}
	if (err)
		str_add_bytes(&ret->err, err + strlen(mark),
			size - (size_t)(err - data) - strlen(mark));
	str_add_bytes(&ret->err, "", 0);
}

#endif
