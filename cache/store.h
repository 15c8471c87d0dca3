/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "base/error.h"
#include "base/strv.h"
#include "cache/entry.h"
#include "cache/key.h"

/* Objects under their digest, and entries that lead from keys to objects, in a directory
 * that many processes use at the same time. Every function may be called from any thread.
 *
 * Nothing here is ever needed: whoever gets an error goes on as if there was no store. */
struct store;

/* Opens the store below dir, making it if need be. -EPERM when we are root and others may
 * write there: they could make us install what they like. Otherwise a negative errno of
 * the file system. A directory that cannot be written serves for reading. store_close
 * frees. */
int store_open(const char *dir, struct store **ret, struct error *err);
void store_close(struct store *s);
const char *store_dir(const struct store *s);  /* with the version of the format in it */
bool store_is_writable(const struct store *s);

/* While the returned descriptor is open (close it), nothing is evicted; so get what an
 * entry names, and put what it will name, under one hold. -1: cannot be had, which does
 * no harm but to the hits. */
int store_hold(struct store *s);

/* Puts the bytes of a file, or in memory. 0 also when they are there already. */
int store_put_file(struct store *s, const char *path, struct digest *ret, uint64_t *ret_size);
int store_put_bytes(struct store *s, const void *bytes, size_t n, const struct digest *digest);
/* Copies an object to the new file to. -ENOENT when there is none, -EBADMSG when it is
 * damaged: it is removed then. There is no file at to after an error. */
int store_get_file(struct store *s, const struct digest *digest, const char *to, mode_t mode);
int store_get_bytes(struct store *s, const struct digest *digest, struct str *ret);
bool store_has(struct store *s, const struct digest *digest); /* unverified */

/* Publishes an entry. 0 also when there is one for that key: the first stays, unless
 * replace. */
int store_put_entry(struct store *s, const struct entry *e, bool replace);
/* 1 and *ret (entry_done frees) when there is an entry for the key, 0 when not, -EBADMSG
 * when it was damaged or of another format: it is removed then. */
int store_get_entry(struct store *s, const struct digest *key, struct entry *ret);
/* The same, and nothing is removed. */
int store_peek_entry(struct store *s, const struct digest *key, struct entry *ret);
void store_drop_entry(struct store *s, const struct digest *key);
/* Remembers that the entry is in use. */
void store_touch_entry(struct store *s, const struct digest *key);

#endif
