/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_COMPRESS_OPTIONS_H
#define BUILDER_MODULE_COMPRESS_OPTIONS_H

#include <lzma.h>

#include "base/error.h"
#include "builder/host/module-name.h"

/* How to compress one file: the defaults of builder/module/compress.h, changed by options. */
struct compress_options {
	int level;            /* of the tool; below 0: zstd's --fast=N */
	unsigned int threads; /* 1 or more */
	/* xz */
	lzma_check check;
	lzma_vli bcj; /* filter before LZMA2, or LZMA_VLI_UNKNOWN */
	lzma_options_lzma lzma;
	/* zstd */
	bool checksum;
	bool long_distance;
	int window_log; /* 0: as the level has it */
};

/* Reads the words of options (NULL: none) as the tool of how would. -EINVAL and status 1
 * for one that it does not know or whose value is bad; -ENOENT and status 1 when the
 * library is not there. Afterwards it is loaded (builder/module/codecs.h). */
int compress_options_parse(enum compression how, const char *options,
	struct compress_options *ret, struct error *err);

#endif
