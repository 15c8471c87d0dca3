/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"

/* Files in a directory that other users may have filled: what root takes out of a build.
 * Such a directory may have anything at any name: a link to a file of root's, a FIFO, a
 * hard link, a file of 8 TiB without content.
 *
 * The functions open a name below the directory dir by openat2(2), which never leaves
 * dir, and look at what they have opened. The file must be a regular one, must belong to
 * the owner of dir, and must not be larger than max bytes. Everything else is done with
 * that descriptor, so that nothing is looked up twice.
 *
 * The last component of the name must be the file itself. Before it there may be links
 * that stay in dir, because packages have their modules behind such links. Absolute links
 * leave it. Where there is no openat2(2) (before Linux 5.6, and in containers whose filter
 * does not know it), no link is followed at all.
 *
 * dir itself is trusted: nobody else can replace it. Errors name the file, and have
 * status 1: -EXDEV or -ELOOP if the name leads out of dir or to a link, -EINVAL for
 * what is not a regular file, -EPERM for another owner, -EFBIG. */

/* Opens the file for reading. Returns a descriptor or a negative errno. *ret gets what
 * fstat(2) says of the file; may be NULL. */
int beneath_open(const char *dir, const char *name, uint64_t max, struct stat *ret,
	struct error *err);
/* Opens the directory that name is in, without following any link. Returns a descriptor
 * or a negative errno, without an error text. */
int beneath_open_parent(const char *dir, const char *name);
/* Opens the directory name, which may be a link to another directory below dir. Makes it
 * if it is missing, for the user and group uid unless that is (uid_t)-1; the directory it
 * is in must exist. Returns a descriptor or a negative errno. */
int beneath_make_dir(const char *dir, const char *name, uid_t uid, struct error *err);
/* Copies the file at from, which may be a link to one, to the name in the directory that
 * dir_fd is open on. A file or link of that name is replaced by rename. The copy belongs to
 * uid, unless that is (uid_t)-1. Returns 0 or a negative errno, without an error text. */
int beneath_put_file(const char *from, int dir_fd, const char *name, uid_t uid);
/* Reads the whole file. Ends *ret with a NUL. Returns 0 or a negative errno. */
int beneath_read(const char *dir, const char *name, uint64_t max, struct str *ret,
	struct error *err);
/* Copies the file to the path to, in a directory that nobody else can write, as
 * file_copy() does, but with the given mode. Returns 0 or a negative errno. */
int beneath_copy(const char *dir, const char *name, uint64_t max, const char *to,
	mode_t mode, struct error *err);
/* As beneath_open(), but without openat2(2); for tests. */
int beneath_open_without_openat2(
	const char *dir, const char *name, uint64_t max, struct stat *ret, struct error *err);

/* Returns a path of the file or directory that fd is open on, "/proc/self/fd/N", for
 * functions that want a path. */
struct fd_path {
	char path[32];
};
struct fd_path fd_path(int fd);

#endif
