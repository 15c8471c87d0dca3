/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_CCACHE_DIRS_H
#define CACHE_CCACHE_DIRS_H

#include "cache/store.h"

/* The directories in which ccache keeps its own files, one for each package. They lie beside the
 * files of the store, as DIR/OWNER/PACKAGE: DIR is ccache_dirs_path(), and OWNER is "nobody" when
 * the package's builds run as nobody, else "own". Builds make and fill them (CCACHE_DIR); here they
 * are found, measured and removed. */

/* The cache's limit divided by this is how much ccache may use for one package. When the cache is
 * closed, all packages together are cut down to that size. */
#define CCACHE_DIRS_SHARE 4

/* Returns DIR, which need not exist. The caller frees. */
char *ccache_dirs_path(const struct store *s);
/* Appends the paths of the packages' directories. */
void ccache_dirs_list(const struct store *s, struct strv *ret);
/* Returns how many bytes they take on the disk. */
uint64_t ccache_dirs_size(const struct store *s);
/* Removes directories, those that were not used for longest first, until no more than max bytes
 * are left. A directory's mtime says when a build last used it. */
void ccache_dirs_trim(const struct store *s, uint64_t max);

#endif
