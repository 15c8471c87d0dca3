/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_LIBARCHIVE_H
#define BUILDER_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

/* libarchive, loaded when an archive is first read or written. It brings a dozen other
 * libraries along, which more than double the time that dkms takes to start; and most
 * runs, of status above all, have no archive to do with. Whoever includes this instead of
 * archive.h calls it by its ordinary names, after libarchive_load(). */

/* Returns 0, also when it has been loaded before, from any thread; -ENOENT and status 1
 * when the library is not there. */
int libarchive_load(struct error *err);

/* The functions in use. */
#define LIBARCHIVE_FUNCTIONS(X) \
	X(archive_entry_filetype) \
	X(archive_entry_free) \
	X(archive_entry_hardlink) \
	X(archive_entry_mode) \
	X(archive_entry_mtime) \
	X(archive_entry_mtime_is_set) \
	X(archive_entry_mtime_nsec) \
	X(archive_entry_new) \
	X(archive_entry_pathname) \
	X(archive_entry_set_gid) \
	X(archive_entry_set_gname) \
	X(archive_entry_set_mode) \
	X(archive_entry_set_mtime) \
	X(archive_entry_set_pathname) \
	X(archive_entry_set_size) \
	X(archive_entry_set_symlink) \
	X(archive_entry_set_uid) \
	X(archive_entry_set_uname) \
	X(archive_entry_size) \
	X(archive_entry_symlink) \
	X(archive_errno) \
	X(archive_error_string) \
	X(archive_filter_bytes) \
	X(archive_format) \
	X(archive_read_data) \
	X(archive_read_data_block) \
	X(archive_read_free) \
	X(archive_read_new) \
	X(archive_read_next_header) \
	X(archive_read_open_fd) \
	X(archive_read_support_filter_bzip2) \
	X(archive_read_support_filter_gzip) \
	X(archive_read_support_filter_lzip) \
	X(archive_read_support_filter_lzma) \
	X(archive_read_support_filter_xz) \
	X(archive_read_support_filter_zstd) \
	X(archive_read_support_format_raw) \
	X(archive_read_support_format_tar) \
	X(archive_set_error) \
	X(archive_write_add_filter) \
	X(archive_write_close) \
	X(archive_write_data) \
	X(archive_write_free) \
	X(archive_write_header) \
	X(archive_write_new) \
	X(archive_write_open) \
	X(archive_write_set_bytes_in_last_block) \
	X(archive_write_set_filter_option) \
	X(archive_write_set_format_gnutar)

struct libarchive {
#define X(function) __typeof__(&function) function##_;
	LIBARCHIVE_FUNCTIONS(X)
#undef X
};

/* Filled by libarchive_load. */
extern struct libarchive libarchive;

#ifndef LIBARCHIVE_OWN_NAMES /* libarchive.c needs the real ones */
#define archive_entry_filetype libarchive.archive_entry_filetype_
#define archive_entry_free libarchive.archive_entry_free_
#define archive_entry_hardlink libarchive.archive_entry_hardlink_
#define archive_entry_mode libarchive.archive_entry_mode_
#define archive_entry_mtime libarchive.archive_entry_mtime_
#define archive_entry_mtime_is_set libarchive.archive_entry_mtime_is_set_
#define archive_entry_mtime_nsec libarchive.archive_entry_mtime_nsec_
#define archive_entry_new libarchive.archive_entry_new_
#define archive_entry_pathname libarchive.archive_entry_pathname_
#define archive_entry_set_gid libarchive.archive_entry_set_gid_
#define archive_entry_set_gname libarchive.archive_entry_set_gname_
#define archive_entry_set_mode libarchive.archive_entry_set_mode_
#define archive_entry_set_mtime libarchive.archive_entry_set_mtime_
#define archive_entry_set_pathname libarchive.archive_entry_set_pathname_
#define archive_entry_set_size libarchive.archive_entry_set_size_
#define archive_entry_set_symlink libarchive.archive_entry_set_symlink_
#define archive_entry_set_uid libarchive.archive_entry_set_uid_
#define archive_entry_set_uname libarchive.archive_entry_set_uname_
#define archive_entry_size libarchive.archive_entry_size_
#define archive_entry_symlink libarchive.archive_entry_symlink_
#define archive_errno libarchive.archive_errno_
#define archive_error_string libarchive.archive_error_string_
#define archive_filter_bytes libarchive.archive_filter_bytes_
#define archive_format libarchive.archive_format_
#define archive_read_data libarchive.archive_read_data_
#define archive_read_data_block libarchive.archive_read_data_block_
#define archive_read_free libarchive.archive_read_free_
#define archive_read_new libarchive.archive_read_new_
#define archive_read_next_header libarchive.archive_read_next_header_
#define archive_read_open_fd libarchive.archive_read_open_fd_
#define archive_read_support_filter_bzip2 libarchive.archive_read_support_filter_bzip2_
#define archive_read_support_filter_gzip libarchive.archive_read_support_filter_gzip_
#define archive_read_support_filter_lzip libarchive.archive_read_support_filter_lzip_
#define archive_read_support_filter_lzma libarchive.archive_read_support_filter_lzma_
#define archive_read_support_filter_xz libarchive.archive_read_support_filter_xz_
#define archive_read_support_filter_zstd libarchive.archive_read_support_filter_zstd_
#define archive_read_support_format_raw libarchive.archive_read_support_format_raw_
#define archive_read_support_format_tar libarchive.archive_read_support_format_tar_
#define archive_set_error libarchive.archive_set_error_
#define archive_write_add_filter libarchive.archive_write_add_filter_
#define archive_write_close libarchive.archive_write_close_
#define archive_write_data libarchive.archive_write_data_
#define archive_write_free libarchive.archive_write_free_
#define archive_write_header libarchive.archive_write_header_
#define archive_write_new libarchive.archive_write_new_
#define archive_write_open libarchive.archive_write_open_
#define archive_write_set_bytes_in_last_block libarchive.archive_write_set_bytes_in_last_block_
#define archive_write_set_filter_option libarchive.archive_write_set_filter_option_
#define archive_write_set_format_gnutar libarchive.archive_write_set_format_gnutar_
#endif

#endif
