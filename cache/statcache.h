/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_STATCACHE_H
#define CACHE_STATCACHE_H

#include <sys/stat.h>
#include <time.h>

#include "cache/digest.h"

/* What files hold, without reading those that have not changed: from (device, inode, size,
 * mtime, ctime) to the digest of the content, kept in a file between runs.
 *
 * Any thread may call; several processes may use one file: each writes it anew by rename,
 * and what the last one did not know is read again one day. */
struct statcache;

struct statcache_counts {
	size_t known; /* digests that were given without reading the file */
	size_t read;  /* files that were read */
};

/* Never fails: a file that is missing or bad is an empty cache; it is read when it is first
 * needed. path NULL: nothing is kept. statcache_close frees. */
struct statcache *statcache_open(const char *path);
/* Writes the file if there is anything new. Returns 0 or a negative errno. */
int statcache_save(struct statcache *c);
void statcache_close(struct statcache *c); /* does not save; NULL is allowed */

/* The digest of the regular file name below dir (a descriptor, or AT_FDCWD); st is what
 * stat said about it just now. Links are followed. Returns 0 or a negative errno. */
int statcache_digest(struct statcache *c, int dir, const char *name, const struct stat *st,
	struct digest *ret);
struct statcache_counts statcache_counts(struct statcache *c);

/* Whether any change of the file after now, when it was about to be read, shows in its times;
 * and, for a file on the file system, whether these can be trusted. */
bool stat_is_settled(const struct stat *st, const struct timespec *now);
bool stat_is_local(int fd);

#endif
