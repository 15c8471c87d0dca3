/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_COMPRESS_H
#define BUILDER_MODULE_COMPRESS_H

#include "base/error.h"
#include "builder/host/module-name.h"

/* compress_file() runs in the process of root, on modules that a hostile build may have
 * made: it takes their bytes as they are, and no library looks at what they mean.
 * decompress_file() does read a format, and is called only in the process that looks at
 * modules, by way of modfile.c. */

/* Compresses the file source into the new file target, which gets mode 0644 and is on
 * disk when this returns. Returns 0; -EEXIST if target exists; -EINVAL for a bad option;
 * or another negative errno. Errors have exit status 1, and no new target is left. Runs
 * in this process and may be called from any thread. The bytes written depend only on
 * the content of source and on options, not on the time, the file name or the number of
 * threads.
 *
 * options holds words as the command-line tool takes them, from compress_xz_opts and its
 * kin: -0..-22, -T4, --ultra, --lzma2=dict=2MiB, -e, --fast, --long=N. NULL means none.
 * They change these defaults:
 *
 * - gzip: level 6;
 * - xz: level 6, CRC32, and a dictionary of 2 MiB whatever the level, so that the kernel
 *   can decompress the file (Documentation/staging/xz.rst);
 * - zstd: level 3, and no window above 8 MiB unless --long is given.
 *
 * The levels are those of the kernel's own "make modules_install". They are not higher
 * because a module from the cache is compressed again after signing: gzip -9 takes nine
 * times as long to save 1 %, zstd -19 more than twenty times as long to save 20 %. */
int compress_file(const char *source, const char *target, enum compression how,
	const char *options, struct error *err);

/* Decompresses the file at path and writes the content to the stream to, which the
 * caller opens and closes; COMPRESSION_NONE copies the file. Like the kernel, this reads
 * the first compressed stream only and ignores what follows it. Returns 0; -EBADMSG if
 * the stream is damaged or cut short; or another negative errno. Errors have exit status
 * 1. */
int decompress_file(const char *path, enum compression how, FILE *to, struct error *err);

#endif
