/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses options of gzip, xz or zstd; the first byte chooses the program. */
#include "config.h"

#include "builder/module/compress-options.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum compression tools[] = {
		COMPRESSION_GZIP, COMPRESSION_XZ, COMPRESSION_ZSTD};
	struct compress_options options;
	struct error err = {0};
	_cleanup_free_ char *words = NULL;
	int r;

	if (size == 0)
		return 0;
	words = xcalloc(size, 1);
	memcpy(words, data + 1, size - 1);
	r = compress_options_parse(tools[data[0] % 3], words, &options, &err);
	if (r == 0)
		MUST(options.threads >= 1 && !err.status);
	else
		MUST(err.status == 1);
	error_done(&err);
	return 0;
}
