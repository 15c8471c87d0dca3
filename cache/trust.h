/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_TRUST_H
#define CACHE_TRUST_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/str.h"
#include "cache/damage.h"

/* Which files and directories may dkms believe? Only those that nobody else could have
 * written: they belong to root or to the user of dkms, and others may not write to them. For
 * users other than root, their group may: it is usually theirs alone. */

/* Whether only root and the user of dkms can change what st describes. */
bool trust_is_own(const struct stat *st);

/* Whether a directory, which may be a link, can be used as a cache: nobody else can write
 * to it, or put another one in its place, by way of a directory or link above. Returns 0;
 * or a negative errno and err, which names what others may change. */
int trust_check_top(const char *dir, struct error *err);

/* Does the same for a directory in one that was checked. A link is not accepted. */
int trust_check_dir(const char *dir, struct error *err);

/* Opens a file for reading. It is in the directory of the cache, below as many directories
 * as depth says, which are checked, too. Neither a link nor anything else that is no regular
 * file is opened, and nothing is waited for. Returns a descriptor; -ENOENT; -EBADMSG if
 * something else is in its place or others could have written it, which was then added to
 * damage, if that is not NULL, and removed; or another negative errno. */
int trust_open(const char *path, size_t depth, struct damage *damage);
/* Reads such a file. A larger one than max (bytes) gives -EFBIG. Returns 0, or as above. */
int trust_read(const char *path, size_t depth, size_t max, struct damage *damage,
	struct str *ret);

#endif
