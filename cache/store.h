/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "base/error.h"
#include "base/strv.h"
#include "cache/entry.h"
#include "cache/key.h"

/* A directory with objects, which are named by their digests, and entries, which lead
 * from keys to objects. Many processes may use it at the same time, and any thread may
 * call these functions. cache/maintenance.h has those for the store as a whole.
 *
 * dkms never depends on the store: after an error the caller goes on as if there were no
 * store. */
struct store;
struct damage;

/* Opens the store below dir and creates it if necessary. Returns 0 or a negative errno:
 * -EPERM if other users may write there, or can put another directory in its place
 * (trust.h): they could make us install what they like. A directory that cannot be written is opened for reading. store_close frees.
 */
int store_open(const char *dir, struct store **ret, struct error *err);
void store_close(struct store *s);
const char *store_dir(const struct store *s); /* with the version of the format: DIR/v1 */
bool store_is_writable(const struct store *s);
/* The damaged files that were found in the store; the list belongs to it. */
struct damage *store_damage(const struct store *s);

/* How long a process waits for the lock of a store or of its counters (s). */
#define STORE_WAIT_S 2

/* Prevents other processes from removing objects until the returned descriptor is closed.
 * A caller should hold the store while it gets the objects of an entry, or puts objects
 * and then the entry. Returns a negative errno if the store cannot be held, -EAGAIN if
 * another process has kept it from that for STORE_WAIT_S: then a caller may get objects,
 * which may vanish, so that it misses them; but it must not put any. */
int store_hold(struct store *s);

/* Put an object, from a file or from memory. Return 0 if the object is in the store, also
 * if it was there before, or a negative errno. */
int store_put_file(
	struct store *s, const char *path, struct digest *ret, uint64_t *ret_size);
int store_put_fd(struct store *s, int from, struct digest *ret, uint64_t *ret_size);
int store_put_bytes(
	struct store *s, const void *bytes, size_t n, const struct digest *digest);
/* Get an object, into the new file to or into memory, and verify its digest. Return 0,
 * -ENOENT if there is no such object, -EBADMSG if it is damaged and was removed, or
 * another negative errno. After an error there is no file at to. */
int store_get_file(
	struct store *s, const struct digest *digest, const char *to, mode_t mode);
int store_get_bytes(struct store *s, const struct digest *digest, struct str *ret);
bool store_has(struct store *s, const struct digest *digest); /* does not verify it */

/* Adds an entry. An existing entry with its key stays, unless replace is set. Returns 0
 * in both cases, or a negative errno. */
int store_put_entry(struct store *s, const struct entry *e, bool replace);
/* Finds the entry of a key; entry_done frees *ret. Returns 1, 0 if there is none,
 * -EBADMSG if it was damaged or has another format and was removed, or another negative
 * errno. */
int store_get_entry(struct store *s, const struct digest *key, struct entry *ret);
/* Does the same without removing anything. */
int store_peek_entry(struct store *s, const struct digest *key, struct entry *ret);
void store_drop_entry(struct store *s, const struct digest *key);
/* Records that the entry is used now. */
void store_touch_entry(struct store *s, const struct digest *key);

#endif
