/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_STATCACHE_H
#define CACHE_STATCACHE_H

#include <sys/stat.h>
#include <time.h>

#include "cache/damage.h"
#include "cache/digest.h"

/* The digests of files, without reading files that have not changed: a map from (device,
 * inode, size, mtime, ctime) to the digest of the content, saved in a file between runs.
 *
 * Any thread may call these functions. Several processes may use one file: each replaces
 * it by rename, and records that the last one does not have are lost, so that those files
 * are read again. */
struct statcache;

struct statcache_counts {
	size_t known; /* digests that were found without reading the file */
	size_t read;  /* files that were read */
};

/* Opens the cache that is saved at path, or one that is not saved if path is NULL. Always
 * succeeds: the file is read when it is first needed. A missing file is an empty cache;
 * so is a damaged one, which is added to damage, which may be NULL. statcache_close
 * frees. */
struct statcache *statcache_open(const char *path, struct damage *damage);
/* Writes the file if there are new records. Returns 0 or a negative errno. */
int statcache_save(struct statcache *c);
void statcache_close(struct statcache *c); /* does not save; NULL is allowed */

/* Finds the digest of the regular file name, relative to dir (a descriptor, or AT_FDCWD).
 * Follows links. st is what stat(2) has just said about the file. Returns 0 or a negative
 * errno; -EFBIG for a file of more than 4 GiB. */
int statcache_digest(struct statcache *c, int dir, const char *name,
	const struct stat *st, struct digest *ret);
struct statcache_counts statcache_counts(struct statcache *c);
/* Reads the file, if that has not been done. Returns the number of undamaged files: 0 or
 * 1. */
size_t statcache_verify(struct statcache *c);

/* Returns whether a change of the file after now will change its times, so that the times
 * can tell whether the file is unchanged. now is the time just before the file was read.
 */
bool stat_is_settled(const struct stat *st, const struct timespec *now);
/* Returns whether the file system of fd is local, so that its times are those of our own
 * clock. */
bool stat_is_local(int fd);

#endif
