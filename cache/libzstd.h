/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LIBZSTD_H
#define CACHE_LIBZSTD_H

#include <zstd.h>
#include <zstd_errors.h>

#include "base/library.h"

/* libzstd, loaded when something is first compressed or decompressed (base/library.h). */

/* Returns 0, or -ENOENT with status 1 if the library is missing. For any thread. */
int libzstd_load(struct error *err);

/* The functions of the library that dkms uses. */
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

LIBZSTD_FUNCTIONS(LIBRARY_DECLARE)

#endif
