/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LISTING_CACHE_H
#define CACHE_LISTING_CACHE_H

#include "base/str.h"
#include "cache/damage.h"
#include "cache/digest.h"

/* Listings (cache/listing.h) of large directories that seldom change, such as a kernel's
 * headers, saved from one run to the next. While the stat data of all files are those
 * that were saved, the saved listing is used. Any thread may call these functions. */
struct listing_cache;
struct cached_listing;

/* Opens the listings that are saved in dir. Damaged files are added to damage, which may
 * be NULL. listing_cache_close frees. */
struct listing_cache *listing_cache_open(const char *dir, struct damage *damage);
/* Frees the cache. Listings that it has returned stay valid. NULL is allowed. */
void listing_cache_close(struct listing_cache *t);

/* Makes the listing of the directory path, in which all paths begin with path, or takes
 * the saved one. markers is that of listing_add_tree(). Returns 0 or a negative errno.
 * cached_listing_free frees. */
int listing_cache_get(struct listing_cache *t, const char *path, const char *markers,
	struct cached_listing **ret);
void cached_listing_free(struct cached_listing *listing); /* NULL is allowed */

const char *cached_listing_path(const struct cached_listing *listing);
const struct digest *cached_listing_digest(const struct cached_listing *listing);
/* Returns the text, which belongs to the listing. */
struct str cached_listing_text(const struct cached_listing *listing);
/* Returns whether the directory is still what it was at listing_cache_get(). */
bool listing_cache_is_unchanged(
	struct listing_cache *t, const struct cached_listing *listing);

/* Reads all saved listings, whether they are current or not, and the digests of the files
 * in them. Returns the number of undamaged files. */
size_t listing_cache_verify(const struct listing_cache *t);

#endif
