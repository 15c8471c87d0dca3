/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the configuration of a kernel, and looks up each of its lines as an option. */
#include "config.h"

#include "builder/host/kernel.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings s = {.trees.install = "/nonexistent",
		.kernel.config = (char *)fuzz_file(data, size)};
	struct kernel *k = kernel_new(&s, "6.1.0", "x86_64");
	const uint8_t *rest = data;
	size_t left = size;

	kernel_config(k, "");
	for (int i = 0; left && i < 100; i++) {
		_cleanup_free_ char *line = fuzz_line(&rest, &left);
		const char *value;
		char *equals = strchr(line, '=');

		if (equals)
			*equals = '\0';
		value = kernel_config(k, line);
		/* The parser does not read beyond a NUL byte. */
		if (value)
			MUST(has_prefix(line, "CONFIG_"));
		else
			MUST(!equals || !has_prefix(line, "CONFIG_") ||
				memchr(data, '\0', size));
	}
	kernel_free(k);
	return 0;
}
