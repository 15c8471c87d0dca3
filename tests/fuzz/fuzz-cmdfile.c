/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses a .cmd file of kbuild, which a module's makefile could have written instead. */
#include "config.h"

#include "builder/reuse/cmdfile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	struct cmdfile c = {0};

	if (cmdfile_parse(text, &c) == 0) {
		MUST(c.target && c.command && c.files.n > 0);
		for (size_t i = 0; i < c.files.n; i++)
			MUST(!strpbrk(c.files.items[i], "\n "));
		for (size_t i = 0; i < c.options.n; i++)
			MUST(*c.options.items[i] && !strpbrk(c.options.items[i], "\n /"));
	}
	cmdfile_done(&c);
	return 0;
}
