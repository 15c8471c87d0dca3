/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_LIBARCHIVE_H
#define BUILDER_ARCHIVE_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/library.h"

/* libarchive. It is loaded when an archive is first read or written (base/library.h)
 * because it brings a dozen other libraries along. */

/* Loads the library, unless it has been loaded before. Returns 0, or -ENOENT with exit
 * status 1 if it is missing. May be called from any thread. */
int libarchive_load(struct error *err);

/* The functions in use. */
#define LIBARCHIVE_FUNCTIONS(X)                                                          \
	X(archive_entry_filetype)                                                        \
	X(archive_entry_free)                                                            \
	X(archive_entry_hardlink)                                                        \
	X(archive_entry_mode)                                                            \
	X(archive_entry_mtime)                                                           \
	X(archive_entry_mtime_is_set)                                                    \
	X(archive_entry_mtime_nsec)                                                      \
	X(archive_entry_new)                                                             \
	X(archive_entry_pathname)                                                        \
	X(archive_entry_set_gid)                                                         \
	X(archive_entry_set_gname)                                                       \
	X(archive_entry_set_mode)                                                        \
	X(archive_entry_set_mtime)                                                       \
	X(archive_entry_set_pathname)                                                    \
	X(archive_entry_set_size)                                                        \
	X(archive_entry_set_symlink)                                                     \
	X(archive_entry_set_uid)                                                         \
	X(archive_entry_set_uname)                                                       \
	X(archive_entry_size)                                                            \
	X(archive_entry_symlink)                                                         \
	X(archive_errno)                                                                 \
	X(archive_error_string)                                                          \
	X(archive_filter_bytes)                                                          \
	X(archive_format)                                                                \
	X(archive_read_data)                                                             \
	X(archive_read_data_block)                                                       \
	X(archive_read_free)                                                             \
	X(archive_read_new)                                                              \
	X(archive_read_next_header)                                                      \
	X(archive_read_open_fd)                                                          \
	X(archive_read_support_filter_bzip2)                                             \
	X(archive_read_support_filter_gzip)                                              \
	X(archive_read_support_filter_lzip)                                              \
	X(archive_read_support_filter_lzma)                                              \
	X(archive_read_support_filter_xz)                                                \
	X(archive_read_support_filter_zstd)                                              \
	X(archive_read_support_format_raw)                                               \
	X(archive_read_support_format_tar)                                               \
	X(archive_set_error)                                                             \
	X(archive_write_add_filter)                                                      \
	X(archive_write_close)                                                           \
	X(archive_write_data)                                                            \
	X(archive_write_free)                                                            \
	X(archive_write_header)                                                          \
	X(archive_write_new)                                                             \
	X(archive_write_open)                                                            \
	X(archive_write_set_bytes_in_last_block)                                         \
	X(archive_write_set_filter_option)                                               \
	X(archive_write_set_format_gnutar)

LIBARCHIVE_FUNCTIONS(LIBRARY_DECLARE)

#endif
