/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_COMPRESS_H
#define BUILDER_MODULE_COMPRESS_H

#include "base/error.h"
#include "builder/host/module-name.h"

/* Writes from, compressed, to to (a new file, mode 0644, on disk when this returns; there
 * is none after a failure, -EEXIST when there was one before). In-process, from any
 * thread. The bytes depend on from and options only, not on time, name or number of
 * threads.
 *
 * options are words as the command-line tool takes them (compress_xz_opts and so on:
 * -0..-22, -T4, --ultra, --lzma2=dict=2MiB, -e, --fast, --long=N; an unknown one is
 * -EINVAL and of status 1). They change these defaults, which NULL takes unchanged:
 *
 * - gzip: level 6;
 * - xz: level 6, CRC32 and a 2 MiB dictionary whatever the level, so that the kernel can
 *   read it (Documentation/staging/xz.rst);
 * - zstd: level 3, and no window above 8 MiB but with --long.
 *
 * The levels are those of the kernel's own modules_install: a cached build is compressed
 * anew after signing, and gzip -9 takes nine times as long for 1 % less, zstd -19 more
 * than twenty times for 20 %. */
int compress_file(const char *from, const char *to, enum compression how,
	const char *options, struct error *err);

/* Writes what the compressed file at path holds to to, which the caller opened and
 * closes; COMPRESSION_NONE copies. As the kernel does, it reads one stream and no others
 * behind it. -EBADMSG when that is damaged or cut short. */
int decompress_file(const char *path, enum compression how, FILE *to, struct error *err);

#endif
