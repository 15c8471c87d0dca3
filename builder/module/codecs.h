/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_CODECS_H
#define BUILDER_MODULE_CODECS_H

#include <lzma.h>
#include <zlib.h>

#include "base/library.h"
#include "cache/libzstd.h"
#include "builder/host/module-name.h"

/* zlib, liblzma and libzstd. Each library is loaded when a file is first compressed or
 * decompressed with it (base/library.h). */

/* Loads the library for how; COMPRESSION_NONE needs none. Returns 0, or -ENOENT with
 * exit status 1 if the library is missing. May be called from any thread. */
int codec_load(enum compression how, struct error *err);

/* The functions in use. Those whose names end in _ are what macros of zlib.h call. */
#define ZLIB_FUNCTIONS(X)                                                                \
	X(deflate)                                                                       \
	X(deflateEnd)                                                                    \
	X(deflateInit2_)                                                                 \
	X(gzclose)                                                                       \
	X(gzdopen)                                                                       \
	X(gzerror)                                                                       \
	X(gzread)                                                                        \
	X(inflate)                                                                       \
	X(inflateEnd)                                                                    \
	X(inflateInit2_)

#define LIBLZMA_FUNCTIONS(X)                                                             \
	X(lzma_code)                                                                     \
	X(lzma_end)                                                                      \
	X(lzma_lzma_preset)                                                              \
	X(lzma_raw_encoder_memusage)                                                     \
	X(lzma_stream_decoder)                                                           \
	X(lzma_stream_encoder_mt)

ZLIB_FUNCTIONS(LIBRARY_DECLARE)
LIBLZMA_FUNCTIONS(LIBRARY_DECLARE)

#endif
