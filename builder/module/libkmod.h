/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_LIBKMOD_H
#define BUILDER_MODULE_LIBKMOD_H

#include <libkmod.h>

#include "base/library.h"

/* libkmod. It is loaded when a module file is first read (base/library.h) because it
 * brings libcrypto along. */

/* Loads the library. Returns 0, or -ENOENT with exit status 1 if it is missing. May be
 * called from any thread. */
int libkmod_load(struct error *err);

/* The functions in use. */
#define LIBKMOD_FUNCTIONS(X)                                                             \
	X(kmod_list_next)                                                                \
	X(kmod_module_dependency_symbol_get_bind)                                        \
	X(kmod_module_dependency_symbol_get_crc)                                         \
	X(kmod_module_dependency_symbol_get_symbol)                                      \
	X(kmod_module_dependency_symbols_free_list)                                      \
	X(kmod_module_get_dependency_symbols)                                            \
	X(kmod_module_get_info)                                                          \
	X(kmod_module_get_path)                                                          \
	X(kmod_module_get_symbols)                                                       \
	X(kmod_module_info_free_list)                                                    \
	X(kmod_module_info_get_key)                                                      \
	X(kmod_module_info_get_value)                                                    \
	X(kmod_module_new_from_name)                                                     \
	X(kmod_module_new_from_path)                                                     \
	X(kmod_module_symbol_get_crc)                                                    \
	X(kmod_module_symbol_get_symbol)                                                 \
	X(kmod_module_symbols_free_list)                                                 \
	X(kmod_module_unref)                                                             \
	X(kmod_new)                                                                      \
	X(kmod_set_log_fn)                                                               \
	X(kmod_unref)

LIBKMOD_FUNCTIONS(LIBRARY_DECLARE)

#endif
