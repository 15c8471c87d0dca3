/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"

/* Paths, files and directories. A function that returns int returns 0 or a negative
 * errno, unless its comment says otherwise. Errors have status 1 and name the path. All
 * functions may be called from any thread, and open files with O_CLOEXEC. */

/* Functions of the text of a path. Nothing is looked up. */

char *path_join(const char *dir, const char *name); /* the caller frees */
const char *path_base(const char *path); /* after the last slash; points into path */
/* Returns what is before the last slash: "/a" for "/a/b", "/" for "/a", "" for "a". The
 * caller frees it. */
char *path_parent(const char *path);
/* Returns the path of name in the directory that path is in: "/a/c" for "/a/b" and "c".
 * The caller frees it. */
char *path_beside(const char *path, const char *name);
/* Returns path without empty components, "." and "..", as if no component were a link: "/b"
 * for "/a/.//../b/", and "" for "/". NULL if a ".." leads out of "/". The caller frees. */
char *path_without_dots(const char *path);
bool path_has_dot_dot(const char *path); /* whether a component of path is ".." */
/* Return whether path is below dir, and whether it is dir or below. Both are compared as
 * texts, so neither may have "." or ".." in it. */
bool path_is_below(const char *path, const char *dir);
bool path_is_in(const char *path, const char *dir);

/* Functions that look at the file system. */

/* Makes path absolute, without "." and doubled slashes. Links and ".." stay. The caller
 * frees it. */
char *path_absolute(const char *path);
bool path_is_dir(const char *path);     /* follows links */
bool path_is_file(const char *path);    /* a regular file; follows links */
bool path_is_program(const char *path); /* a file that we may execute; follows links */
bool path_exists(const char *path);     /* true for a link without a target, too */
/* For decisions to delete, replace or skip something: returns 1 if path exists, as
 * path_exists(), 0 if it certainly does not, or a negative errno if it cannot be known. */
int path_look(const char *path);
/* The same for path_is_program(): 0 if path is missing or no file that we may execute. */
int path_look_program(const char *path);
/* Returns whether both paths exist and are the same file or directory. Follows links. */
bool path_is_same(const char *a, const char *b);
bool stat_is_same(const struct stat *a, const struct stat *b); /* of the same file */
/* Returns whether the name in the directory dir (or AT_FDCWD) is still the file that fd is
 * open on: another process may have removed or replaced it. */
bool file_is_named(int fd, int dir, const char *name);
/* Returns the path of the program that a shell with search as its PATH would run for
 * name, or NULL if there is none. A name with a slash is a path already. The caller frees
 * it. */
char *path_find_program(const char *name, const char *search);

/* Files */

/* Calls flock(2), and again after each signal. -EAGAIN if operation has LOCK_NB and
 * another process has the lock. */
int file_lock(int fd, int operation);
/* Writes all n bytes to fd, in as many calls of write(2) as that takes. */
int write_all(int fd, const void *bytes, size_t n);
/* Opens a regular file for reading, following links. Never waits: not for the other end of a
 * FIFO, and not for a device. Returns a descriptor or a negative errno: -EISDIR for a
 * directory, -EINVAL for anything else that is no regular file. */
int file_open(const char *path);
/* Sets the error for a negative errno of file_open(), and returns that. */
int file_open_error(const char *path, int r, struct error *err);
/* Reads a whole file, which file_open() can open. -EFBIG if it has more than max bytes.
 * Ends *ret with a NUL. */
int file_read(const char *path, size_t max, struct str *ret, struct error *err);
/* Does the same, but a file that does not exist has no text: 0, and *ret is left empty. */
int file_read_optional(const char *path, size_t max, struct str *ret, struct error *err);
/* Appends all that can be read from fd to *ret, and a NUL. -EFBIG if there are more than
 * max bytes. After an error *ret may have changed. */
int file_read_fd(int fd, size_t max, struct str *ret);
/* Reads the last max bytes of a file, or all of it if it is shorter. */
int file_read_tail(const char *path, size_t max, struct str *ret, struct error *err);
/* Writes a file under a temporary name, syncs it to disk and renames it to path. */
int file_write(
	const char *path, const void *bytes, size_t n, mode_t mode, struct error *err);
/* Reads the target of a link. The caller frees it. -EINVAL if path is not a link. */
int link_read(const char *path, char **ret);
/* Makes path a link to target. An existing file or link is replaced by rename. */
int link_write(const char *path, const char *target, struct error *err);
/* Copies a regular file with its mode and times to a temporary name beside to, syncs it
 * to disk and renames it to to. Clones the blocks where the file system can (FICLONE). */
int file_copy(const char *from, const char *to, struct error *err);
/* Does the same for the file that fd is open on, with the given mode for the copy; from is
 * its name in errors. */
int file_copy_fd(
	int fd, const char *from, const char *to, mode_t mode, struct error *err);
/* The permissions that a copy keeps. A copy may belong to another user than the original:
 * root's copy of a set-user-ID program would be one of root's, and anybody could change
 * root's copy of a file that all may write. */
#define FILE_COPIED_MODE 0775
/* Opens the file name in the directory dir (or AT_FDCWD) for reading. Does not follow a
 * link, and does not wait for the other end of a FIFO. Returns a descriptor or a negative
 * errno; -EINVAL if it is not a regular file. *ret_mode gets its permissions for a copy. */
int file_open_at(int dir, const char *name, mode_t *ret_mode);
/* Copies the file that from is open on, with its times, to the new file name in the
 * directory dir (or AT_FDCWD). The copy belongs to uid and gid, or to the caller if uid is
 * (uid_t)-1. Clones the blocks where the file system can; otherwise -ENOSPC if the file is
 * larger than the free space. Syncs it to disk if sync is set. Returns 0 or a negative
 * errno; the new file may exist then. */
int file_copy_at(int from, int dir, const char *name, uid_t uid, gid_t gid, mode_t mode,
	bool sync);
/* Returns 1 if both files have the same bytes, 0 if not. */
int file_same_bytes(const char *a, const char *b);
/* Does the same for two open files that have size bytes. */
int file_same_bytes_fd(int a, int b, off_t size);

/* Directories */

/* Appends the names in a directory, without "." and "..", and sorts the list. -ENOENT if
 * the directory is missing. */
int dir_list(const char *path, struct strv *ret);
/* Writes the names in a directory to disk, but not what its files contain. */
int dir_sync(const char *path);
/* Writes everything on the file system of a directory to disk. */
int dir_sync_all(const char *path);
/* Makes a directory with mode 0755, and its parents. 0 if it exists. */
int dir_make(const char *path, struct error *err);
/* Removes a file, a link, or a directory with its content, however deep. Does not follow
 * links. Gives directories of the caller the mode 0700 if theirs is in the way. Returns 0
 * if path does not exist. */
int dir_remove(const char *path, struct error *err);
/* Removes all directories below path that have no files in them, and then path if it is
 * empty. */
void dir_remove_empty(const char *path);
/* Removes path and then its parents, as long as they are empty. Stops at stop, a parent
 * of path, which is not removed. */
void dir_prune(const char *path, const char *stop);

#endif
