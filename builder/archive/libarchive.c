/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/archive/libarchive.h"

LIBARCHIVE_FUNCTIONS(LIBRARY_DEFINE)

int libarchive_load(struct error *err)
{
	static const struct library_symbol symbols[] = {
		LIBARCHIVE_FUNCTIONS(LIBRARY_SYMBOL){0}};
	/* The soname of libarchive's ABI has been libarchive.so.13 since version 3.0. */
	static struct library library = LIBRARY("libarchive.so.13",
		"reading and writing archives", "libarchive", symbols);

	return library_load(&library, err);
}
