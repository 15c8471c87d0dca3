/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_PACK_H
#define CACHE_REMOTE_PACK_H

#include "cache/remote/signed-text.h"
#include "cache/store.h"

/* Objects of a local store in one stream for the network: a frame of zstd with the files of a
 * struct signed_pack, one after the other. Their names, sizes and digests are in the signed
 * text. */

/* Compresses the objects of pack->files into ret, and fills in digest, size and unpacked.
 * Returns 0, -EFBIG if they have more than SIGNED_UNPACKED_MAX bytes, or what
 * store_get_bytes() returns. From any thread. */
int pack_make(struct store *s, struct signed_pack *pack, struct str *ret);
/* Puts the files of a pack of n bytes into the store, each after its digest was verified; the
 * digest of the pack is verified before anything else. Returns 0; -EBADMSG if the pack is not
 * what was signed; -ENOENT without libzstd; or what store_put_bytes() returns. After an
 * error, some of the objects may be in the store. From any thread. */
int pack_unpack(struct store *s, const struct signed_pack *pack, const void *bytes, size_t n);
/* Does the same with the only file of a pack, into memory. */
int pack_unpack_text(
	const struct signed_pack *pack, const void *bytes, size_t n, struct str *ret);

#endif
