/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "cache/libzstd.h"

LIBZSTD_FUNCTIONS(LIBRARY_DEFINE)

int libzstd_load(struct error *err)
{
	static const struct library_symbol symbols[] = {
		LIBZSTD_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library library =
		LIBRARY("libzstd.so.1", "zstd", "libzstd", symbols);

	return library_load(&library, err);
}
