/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_COMPRESS_H
#define BUILDER_COMPRESS_H

#include "builder/kernel.h"

/* Writes from, compressed, to to (a new file, mode 0644) in-process. options are words
 * as the command-line tool takes them (compress_xz_opts and so on: -0..-22, -T4, --ultra,
 * --lzma2=dict=2MiB, -e, --fast, --long=N; an unknown one is an error of status 1);
 * NULL takes the default: gzip -9, xz with CRC32 and a 2 MiB dictionary (what the kernel
 * can read: Documentation/staging/xz.rst), zstd level 19 with no window above 8 MiB. */
int compress_file(const char *from, const char *to, enum compression how, const char *options,
	struct error *err);

#endif
