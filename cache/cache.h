/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "cache/counters.h"
#include "cache/listing-cache.h"
#include "cache/pieces.h"
#include "cache/statcache.h"
#include "cache/store.h"

/* A cache directory as one run uses it: a store, the stat cache, counters. Any thread. */
struct cache;

/* Opens what is at dir. Returns NULL when it cannot be used; err says why. max: when more
 * bytes are in it at cache_close and this run has added some, the least recently used go;
 * 0: no limit. */
struct cache *cache_open(const char *dir, uint64_t max, struct error *err);
/* Saves what is worth it and frees; NULL is allowed. */
void cache_close(struct cache *c);

struct store *cache_store(struct cache *c);
struct statcache *cache_stats(struct cache *c);
struct listing_cache *cache_listings(struct cache *c);
/* Of all runs before this one. */
void cache_counters(struct cache *c, struct counters *ret);
/* How many entries this run has added. */
size_t cache_added(struct cache *c);

/* A file of a result: where it is, or where it is to come. */
struct cache_file {
	char *name;
	char *path;
};

/* Looks a key up. 1 and *ret on a hit (entry_done frees), else 0. Counts. */
int cache_find(struct cache *c, const struct digest *key, struct entry *ret);
/* Copies the entry's files to their paths, with this mode; all of its files must be among
 * files. Returns 0; -EBADMSG when the entry turns out to be damaged: it is gone then, and
 * the hit counts as a miss. What files there are at paths after an error is undefined. */
int cache_restore(struct cache *c, const struct entry *e, const struct cache_file *files,
	size_t n, mode_t mode);
/* Puts files into the store. The entry then names them, but is found by nobody until
 * cache_commit; e->key and e->parts are filled in here, the rest is the caller's. */
int cache_store_files(struct cache *c, const struct key *key, const struct cache_file *files,
	size_t n, struct entry *e);
int cache_commit(struct cache *c, const struct entry *e, bool replace);

/* Results in pieces. Up to CACHE_SLOTS of them are kept under one key; which pieces of which
 * are good is for the caller to find out by their inputs. */
#define CACHE_SLOTS 8

/* Fills ret, of CACHE_SLOTS, with what is there (entry_done each); returns how many. */
size_t cache_find_pieces(struct cache *c, const struct key *key, struct entry *ret);
/* The entry's pieces; pieces_done frees. 0, or a negative errno; if it is damaged, the entry
 * is gone then. */
int cache_get_pieces(struct cache *c, const struct entry *e, struct pieces *ret);
/* Copies these of the entry's files to their new paths; 0 or a negative errno, with the same
 * consequence. */
int cache_restore_piece(struct cache *c, const struct entry *e, const struct cache_file *files,
	size_t n, mode_t mode);
/* As cache_store_files and cache_commit, in a free slot of the key, or in place of what was not
 * used for longest. */
int cache_store_pieces(struct cache *c, const struct key *key, const struct pieces *p,
	const struct cache_file *files, size_t n, struct entry *e);
int cache_commit_pieces(struct cache *c, const struct entry *e);
/* Counts pieces that came from e (may be NULL when used is 0), and those that had to be made. */
void cache_used_pieces(struct cache *c, const struct entry *e, size_t used, size_t made,
	int64_t saved_ms);

/* The first thing that went wrong with the store and that the user should know: "cannot
 * write: No space left on device"; caller frees, NULL for nothing. Once. */
char *cache_take_trouble(struct cache *c);

#endif
