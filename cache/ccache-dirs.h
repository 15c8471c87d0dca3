/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_CCACHE_DIRS_H
#define CACHE_CCACHE_DIRS_H

#include "cache/store.h"

/* The directories in which ccache keeps its own files, one for each package. They are
 * beside the files of the store, at DIR/OWNER/PACKAGE-DIGEST: DIR is ccache_dirs_path(),
 * and OWNER is "any" if builds run as users of their own, otherwise "own"; earlier versions
 * of dkms had "nobody". The builds create and fill them (CCACHE_DIR); these functions find,
 * measure and remove them. */

/* ccache may use the limit of the cache divided by this number for each package. When the
 * cache is closed, all packages together are reduced to that size. */
#define CCACHE_DIRS_SHARE 4

/* Returns DIR, which need not exist. The caller frees it. */
char *ccache_dirs_path(const struct store *s);
/* Appends the paths of the packages' directories. */
void ccache_dirs_list(const struct store *s, struct strv *ret);
/* Returns the number of bytes that the packages' directories take on disk. */
uint64_t ccache_dirs_size(const struct store *s);
/* Removes packages' directories, the least recently used first, until at most max bytes
 * are left. A build sets the mtime of the directory that it uses. */
void ccache_dirs_trim(const struct store *s, uint64_t max);

#endif
