/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_CODECS_H
#define BUILDER_MODULE_CODECS_H

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/library.h"
#include "builder/host/module-name.h"

/* zlib, liblzma and libzstd, each loaded when something is first compressed its way or
 * decompressed (base/library.h). */

/* Returns 0, also for COMPRESSION_NONE; -ENOENT and status 1 when the library for how is
 * not there. Any thread. */
int codec_load(enum compression how, struct error *err);

/* The functions in use; those with _ behind are what zlib's macros call. */
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

#define LIBZSTD_FUNCTIONS(X)                                                             \
	X(ZSTD_CCtx_setParameter)                                                        \
	X(ZSTD_CCtx_setPledgedSrcSize)                                                   \
	X(ZSTD_compressStream2)                                                          \
	X(ZSTD_createCCtx)                                                               \
	X(ZSTD_createDCtx)                                                               \
	X(ZSTD_decompressStream)                                                         \
	X(ZSTD_freeCCtx)                                                                 \
	X(ZSTD_freeDCtx)                                                                 \
	X(ZSTD_getErrorCode)                                                             \
	X(ZSTD_isError)

ZLIB_FUNCTIONS(LIBRARY_DECLARE)
LIBLZMA_FUNCTIONS(LIBRARY_DECLARE)
LIBZSTD_FUNCTIONS(LIBRARY_DECLARE)

#endif
