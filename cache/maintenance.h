/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_MAINTENANCE_H
#define CACHE_MAINTENANCE_H

#include "cache/store.h"

/* A store as a whole: list, measure, shrink and verify it. */

struct store_usage {
	size_t entries, objects; /* that are left */
	uint64_t bytes;          /* of entries and objects */
	size_t removed;          /* entries that store_evict has removed */
	uint64_t freed;          /* bytes that store_evict has removed */
};

/* Lists all entries that can be read, in no order. The caller frees each entry and the
 * array. Returns 0 or a negative errno. */
int store_list_entries(struct store *s, struct entry **ret, size_t *ret_n);
/* Counts entries, objects and bytes. Returns 0 or a negative errno. */
int store_measure(struct store *s, struct store_usage *ret);
/* Removes entries, the least recently used first, until at most max bytes are left, and
 * all objects that no entry names. Waits at most wait_s seconds for other processes that
 * hold the store (store_hold). Returns 0 or a negative errno: -EAGAIN if one still holds
 * it. */
int store_evict(
	struct store *s, uint64_t max, unsigned int wait_s, struct store_usage *ret);
/* Reads and verifies all objects and entries. Removes those that are damaged, entries
 * that name a missing object, and files that do not belong to the store; store_damage()
 * has them. Returns 0 or a negative errno. */
int store_verify(struct store *s, struct store_usage *ret);

#endif
