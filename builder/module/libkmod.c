/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/module/libkmod.h"

LIBKMOD_FUNCTIONS(LIBRARY_DEFINE)

int libkmod_load(struct error *err)
{
	static const struct library_symbol symbols[] = {
		LIBKMOD_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library library =
		LIBRARY("libkmod.so.2", "reading kernel modules", "libkmod", symbols);

	return library_load(&library, err);
}
