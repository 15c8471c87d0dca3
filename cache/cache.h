/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "cache/counters.h"
#include "cache/listing-cache.h"
#include "cache/maintenance.h"
#include "cache/manifest.h"
#include "cache/pieces.h"
#include "cache/statcache.h"
#include "cache/store.h"

/* A cache directory as one run of dkms uses it: a store, a statcache, cached listings and
 * counters. Any thread may call these functions. */
struct cache;

/* Opens the cache at dir. Returns NULL if it cannot be used, and fills err. max is the
 * limit of the cache in bytes, 0 for no limit: if there are more when the cache is
 * closed, and this run has added entries, the least recently used entries are removed. */
struct cache *cache_open(const char *dir, uint64_t max, struct error *err);
/* Saves the statcache and the counters, applies the limit, and frees. NULL is allowed. */
void cache_close(struct cache *c);

/* The parts of the cache, which belong to it. */
struct store *cache_store(struct cache *c);
struct statcache *cache_statcache(struct cache *c);
struct listing_cache *cache_listings(struct cache *c);

/* Reads the counters, which are those of all runs that have closed the cache. */
void cache_read_counters(struct cache *c, struct counters *ret);
/* Returns the number of entries that this run has added. */
size_t cache_count_added(struct cache *c);

/* A file of a result: its name in the entry, and the path to read it from or to write it
 * to. */
struct cache_file {
	char *name;
	char *path;
	/* The directory that path is relative to, if others may have written there:
	 * beneath_open() opens the file then, to read it; or NULL. */
	const char *beneath;
};

/* Results that are whole. A result whose key says all that it depends on is the only one
 * with that key. For others the key says only a part: there are up to CACHE_SLOTS
 * variants with the same key, and each has a manifest (cache/manifest.h) that says the
 * rest. */
#define CACHE_SLOTS 8

/* Looks up a key. Returns 1 and fills *ret (entry_done frees), or 0 if there is no entry
 * or if it is damaged. */
int cache_find(struct cache *c, const struct digest *key, struct entry *ret);
/* Fills ret, which has CACHE_SLOTS elements, with the variants of a key, those that were
 * used last first (entry_done frees each). Returns their number. */
size_t cache_find_variants(
	struct cache *c, const struct digest *key, struct entry *ret);
/* Read the manifest of an entry: without its inputs, which need not be compared, and the
 * inputs alone; manifest_done frees. Return 0, -ENOENT if it has none, or another
 * negative errno. A damaged entry is removed. */
int cache_get_manifest(struct cache *c, const struct entry *e, struct manifest *ret);
int cache_get_inputs(struct cache *c, const struct entry *e, struct manifest *ret);
/* Reads the text of that name; str_done frees. Returns the same. */
int cache_get_text(
	struct cache *c, const struct entry *e, const char *name, struct str *ret);
/* Counts a hit that e answers, or a miss if e is NULL. */
void cache_count_lookup(struct cache *c, const struct entry *e);
/* Copies the files of an entry to their paths, with the given mode. files must have all
 * of them. The caller has counted a hit. Returns 0, or -EBADMSG if the entry is damaged:
 * the entry is removed then and the hit counted as a miss. After an error some of the
 * paths may have been written. */
int cache_restore(struct cache *c, const struct entry *e, const struct cache_file *files,
	size_t n, mode_t mode);
/* Puts files and the parts of the key into the store, and fills in the key, parts and
 * files of *e. The caller fills in the rest. The entry cannot be found before
 * cache_commit(). Returns 0 or a negative errno. */
int cache_store_files(struct cache *c, const struct key *key,
	const struct cache_file *files, size_t n, struct entry *e);
/* Adds more files to an entry that has been stored and not yet been committed. Returns 0
 * or a negative errno. */
int cache_store_more(
	struct cache *c, const struct cache_file *files, size_t n, struct entry *e);
/* Adds the entry. An existing entry with this key stays, unless replace is set. Returns 0
 * or a negative errno. */
int cache_commit(struct cache *c, const struct entry *e, bool replace);
/* Does the same for an entry that is no result of a build, and not counted as one. */
int cache_commit_uncounted(struct cache *c, const struct entry *e, bool replace);

/* Add a sorted manifest, or a text with a name that no part of the key has, to an entry
 * that has been stored and not yet been committed. Return 0 or a negative errno. */
int cache_store_manifest(struct cache *c, const struct manifest *m, struct entry *e);
int cache_store_text(
	struct cache *c, const char *name, const struct str *text, struct entry *e);
/* Makes the entry a variant of the key, in place of one with the same manifest, or of the
 * one that was not used for longest if there are CACHE_SLOTS already. cache_commit() adds it, with e->replaces. */
void cache_make_variant(struct cache *c, const struct digest *key, struct entry *e);

/* Results in pieces (cache/pieces.h). A key has up to CACHE_SLOTS entries of this kind;
 * the caller finds out by the inputs of their pieces which pieces it can use. */

/* Fills ret, which has CACHE_SLOTS elements, with the entries of a key (entry_done frees
 * each). Returns their number. */
size_t cache_find_pieces(struct cache *c, const struct key *key, struct entry *ret);
/* Reads the list of an entry's pieces; pieces_done frees. Returns 0 or a negative errno.
 * A damaged entry is removed. */
int cache_get_pieces(struct cache *c, const struct entry *e, struct pieces *ret);
/* Copies n of the entry's files to their paths, with the given mode. Returns 0 or a
 * negative errno. A damaged entry is removed. */
int cache_restore_piece(struct cache *c, const struct entry *e,
	const struct cache_file *files, size_t n, mode_t mode);
/* Work as cache_store_files() and cache_commit() do. The entry gets a free slot of the
 * key, or replaces the entry of the key that was not used for longest. */
int cache_store_pieces(struct cache *c, const struct key *key, const struct pieces *p,
	const struct cache_file *files, size_t n, struct entry *e);
int cache_commit_pieces(struct cache *c, const struct entry *e);
/* Counts the pieces that were taken from e, which may be NULL if used is 0, and those
 * that had to be made. */
void cache_count_pieces(struct cache *c, const struct entry *e, size_t used, size_t made,
	int64_t saved_ms);

/* Returns the first problem with the cache that the user should know about, such as "DIR
 * cannot be written to: No space left on device", or else what cache_describe_damage()
 * returns. NULL if there was no problem. The caller frees it. */
char *cache_take_problem(struct cache *c);
/* Returns a line about the damaged files that this run has found in the cache, and
 * removed; NULL if there was none. The caller frees it. */
char *cache_describe_damage(struct cache *c);

/* Reads every file of the cache: what store_verify() reads, the digests of files, the
 * listings and the counters. Damaged files are removed; store_damage() has them. Sets
 * *ret_others to the number of undamaged files that are neither entries nor objects.
 * Returns 0 or a negative errno. */
int cache_verify(struct cache *c, struct store_usage *ret, size_t *ret_others);

#endif
