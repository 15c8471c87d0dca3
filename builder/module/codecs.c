/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/module/codecs.h"

ZLIB_FUNCTIONS(LIBRARY_DEFINE)
LIBLZMA_FUNCTIONS(LIBRARY_DEFINE)

int codec_load(enum compression how, struct error *err)
{
	static const struct library_symbol zlib_symbols[] = {
		ZLIB_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static const struct library_symbol lzma_symbols[] = {
		LIBLZMA_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library zlib = LIBRARY("libz.so.1", "gzip", "zlib", zlib_symbols);
	static struct library lzma =
		LIBRARY("liblzma.so.5", "xz", "liblzma", lzma_symbols);

	switch (how) {
	case COMPRESSION_GZIP:
		return library_load(&zlib, err);
	case COMPRESSION_XZ:
		return library_load(&lzma, err);
	case COMPRESSION_ZSTD:
		return libzstd_load(err);
	default:
		return 0;
	}
}
