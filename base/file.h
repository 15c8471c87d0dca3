/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"

/* All functions here return 0 or a negative errno unless they say otherwise, work from
 * any thread, and open what they open O_CLOEXEC. Errors get status 1 and name the path. */

char *path_join(const char *dir, const char *name); /* caller frees */
/* From the root, without a slash too many; links and .. stay. Caller frees. */
char *path_absolute(const char *path);
const char *path_base(const char *path);	    /* after the last slash; borrowed */
/* Returns what is before the last slash: "/a" for "/a/b", "/" for "/a", "" for "a". The caller
 * frees. */
char *path_parent(const char *path);
bool path_has_dot_dot(const char *path); /* one of the names in it is ".." */
bool path_is_dir(const char *path);		    /* follows links */
bool path_is_file(const char *path);		    /* a regular file; follows links */
bool path_exists(const char *path);		    /* also a dangling link */
bool path_is_program(const char *path); /* a regular file that we may execute; follows links */
/* Whether both are there and are the same file or directory; follows links. */
bool path_is_same(const char *a, const char *b);
bool stat_is_same(const struct stat *a, const struct stat *b); /* of the same file */
/* By their texts, without "." and the like: path is below dir; or it is dir itself, or below. */
bool path_is_below(const char *path, const char *dir);
bool path_is_in(const char *path, const char *dir);
/* The program that a shell would run for name with search as its PATH; caller frees; NULL
 * when there is none. A name with a slash stands for itself. */
char *path_find_program(const char *name, const char *search);

/* Writes all n bytes, however many calls that takes. */
int write_all(int fd, const void *bytes, size_t n);

/* Reads a whole file, at most max bytes (-EFBIG beyond). *ret is NUL-terminated. */
int file_read(const char *path, size_t max, struct str *ret, struct error *err);
/* Reads the last max bytes of a file, or all of it. */
int file_read_tail(const char *path, size_t max, struct str *ret, struct error *err);
/* Writes a file by temporary name, fsync and rename. */
int file_write(const char *path, const void *bytes, size_t n, mode_t mode, struct error *err);
/* What the link at path holds; caller frees. -EINVAL when it is no link. */
int link_read(const char *path, char **ret);
/* Makes path a symlink to target by rename, replacing a file or link there. */
int link_write(const char *path, const char *target, struct error *err);
/* Copies one regular file with mode and times to a temporary name beside to, fsyncs
 * and renames it to to. Clones blocks where the file system can (FICLONE). */
int file_copy(const char *from, const char *to, struct error *err);
/* 1 when both files have the same bytes, 0 when not. */
int file_same(const char *a, const char *b);

/* Names in a directory without . and .., sorted. -ENOENT when it is missing. */
int dir_list(const char *path, struct strv *ret);
int dir_make(const char *path, struct error *err);		   /* mkdir -p, mode 0755 */
/* Copies a directory with what is in it: modes, times, links as links; other file
 * types are left out. to must not exist, its parent must, and not be inside from (-ELOOP).
 * The copies belong to the caller's user, or to uid/gid when uid is not (uid_t)-1. */
int dir_copy(const char *from, const char *to, uid_t uid, gid_t gid, struct error *err);
/* rm -rf; 0 when it does not exist. Does not follow links. */
int dir_remove(const char *path, struct error *err);
/* Removes the directories below path that have no files in them, and path if so. */
void dir_remove_empty(const char *path);
/* Removes path and its parents while they are empty, up to but not including stop. */
void dir_prune(const char *path, const char *stop);

#endif
