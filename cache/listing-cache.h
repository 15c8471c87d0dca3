/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LISTING_CACHE_H
#define CACHE_LISTING_CACHE_H

#include "base/str.h"
#include "cache/digest.h"

/* Listings (cache/listing.h) of large directories that seldom change, such as a kernel's
 * headers, kept between runs: while each file in there is what it was by its stat data, the
 * listing and its digest are known without being made. Any thread. */
struct listing_cache;
struct cached_listing;

/* What is kept is below dir. listing_cache_close frees, trees too that were got. */
struct listing_cache *listing_cache_open(const char *dir);
void listing_cache_close(struct listing_cache *t); /* NULL is allowed */

/* The listing of the directory path, called by that path; markers is as for
 * listing_add_tree(). cached_listing_free frees. 0 or a negative errno. */
int listing_cache_get(struct listing_cache *t, const char *path, const char *markers,
	struct cached_listing **ret);
void cached_listing_free(struct cached_listing *listing); /* NULL is allowed */

const char *cached_listing_path(const struct cached_listing *listing);
const struct digest *cached_listing_digest(const struct cached_listing *listing);
/* The text; data is NULL when what is kept of it turns out to be damaged. */
struct str cached_listing_text(struct cached_listing *listing);
/* Whether the directory has been as it was from listing_cache_get() until now. */
bool listing_cache_is_unchanged(
	struct listing_cache *t, const struct cached_listing *listing);

#endif
