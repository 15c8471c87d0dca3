/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_COMPRESS_OPTIONS_H
#define BUILDER_MODULE_COMPRESS_OPTIONS_H

#include <lzma.h>

#include "base/error.h"
#include "builder/host/module-name.h"

/* How to compress one file: the defaults of builder/module/compress.h, changed by
 * options. */
struct compress_options {
	int level;            /* as the tool numbers them; negative: zstd's --fast=N */
	unsigned int threads; /* at least 1 */
	/* For xz: */
	lzma_check check;
	lzma_vli bcj; /* the filter to run before LZMA2, or LZMA_VLI_UNKNOWN for none */
	lzma_options_lzma lzma;
	/* For zstd: */
	bool checksum;
	bool long_distance;
	int window_log; /* log2 of the window in bytes; 0: as the level has it */
};

/* Reads the words of options (NULL: none) as the command-line tool for how would. Loads
 * the library for how (builder/module/codecs.h). Returns 0; -EINVAL for an unknown
 * option or a bad value; -ENOENT if the library is missing. Errors have exit status 1. */
int compress_options_parse(enum compression how, const char *options,
	struct compress_options *ret, struct error *err);

#endif
