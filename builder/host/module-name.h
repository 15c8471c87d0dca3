/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_MODULE_NAME_H
#define BUILDER_HOST_MODULE_NAME_H

#include "base/util.h"

/* A module file is called NAME.ko, followed by a suffix if it is compressed. */

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP, /* .gz */
	COMPRESSION_XZ,	  /* .xz */
	COMPRESSION_ZSTD, /* .zst */
};
#define N_COMPRESSIONS (COMPRESSION_ZSTD + 1)

/* Returns ".gz" and so on, "" for COMPRESSION_NONE; static. */
const char *compression_suffix(enum compression c);
/* Returns how a module file is compressed, judged by its name. A file that is not a
 * module has COMPRESSION_NONE. */
enum compression compression_of_file(const char *path);

/* Returns the name of the module in a file: the base name without .ko and the compression
 * suffix, with '-' replaced by '_' as the kernel does. The caller frees. NULL if the file
 * is not called like a module. */
char *module_name_of_file(const char *path);
/* Tells whether the base name file is name, .ko and perhaps a compression suffix. Unlike
 * the kernel, it does not take '-' and '_' for the same. */
bool module_file_is_called(const char *file, const char *name);

#endif
