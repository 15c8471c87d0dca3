/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_MAINTENANCE_H
#define CACHE_MAINTENANCE_H

#include "cache/store.h"

/* A store as a whole: listing, measuring, shrinking and verifying it. */

struct store_usage {
	size_t entries, objects; /* how many there are */
	uint64_t bytes;		 /* of entries and objects */
	size_t removed;		 /* entries that store_evict and store_verify removed */
	uint64_t freed;		 /* bytes that store_evict removed */
	struct strv bad;	 /* what store_verify found, a line for each */
};

/* Lists all entries that can be read, in no order. The caller frees each entry and the array.
 * Returns 0 or a negative errno. */
int store_list_entries(struct store *s, struct entry **ret, size_t *ret_n);
/* Counts entries, objects and bytes. Returns 0 or a negative errno. */
int store_measure(struct store *s, struct store_usage *ret);
/* Removes the entries that were not used for longest until no more than max bytes are left, and all
 * objects that no entry names. While another process holds the store (store_hold), waits for it
 * with wait, and returns -EAGAIN without. Returns 0 or another negative errno. */
int store_evict(struct store *s, uint64_t max, bool wait, struct store_usage *ret);
/* Reads all objects and entries, and removes those that are damaged and the entries that name an
 * object which is missing. Returns 0 or a negative errno; store_usage_done frees *ret. */
int store_verify(struct store *s, struct store_usage *ret);
void store_usage_done(struct store_usage *u);

#endif
