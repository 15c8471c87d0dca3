/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads an answer of the process that looks at module files. */
#include "config.h"

#include <errno.h>

#include "builder/module/examine-answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv warnings = {0}, again = {0};
	struct str bytes = {0};
	struct error err = {0};
	int r = answer_parse((const char *)data, size, &warnings, &err);

	MUST(r <= 1 && (r < 0) == (err.what || r == -EPROTO));
	MUST(r >= 0 || !warnings.n);
	for (size_t i = 0; i < warnings.n; i++)
		for (const char *c = warnings.items[i]; *c; c++)
			MUST((unsigned char)*c >= ' ' && *c != 0x7f);
	/* What has been read is written in the same way. */
	if (r >= 0) {
		answer_write(&warnings, r, &err, &bytes);
		MUST(bytes.len == size && memcmp(bytes.data, data, size) == 0);
		MUST(answer_parse(bytes.data, bytes.len, &again, NULL) == r);
		MUST(again.n == warnings.n);
	}
	strv_done(&warnings);
	strv_done(&again);
	str_done(&bytes);
	error_done(&err);
	return 0;
}
