/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FLEET_KEY_H
#define BUILDER_REUSE_FLEET_KEY_H

#include "cache/store.h"
#include "cache/remote/signed-text.h"

/* Of what a key was made, for dkms remote why. A machine whose key differs does not find the result,
 * so the parts of the key are in the remote cache once more, under the title of the newest result,
 * "NAME/VERSION RELEASE ARCH". Nothing is installed because of it.
 *
 * It is an ActionResult as for a result. The record of its signed text has the details of those parts
 * (cache/key.h) that are short, but for the environment, each under the name of its part, as the output file "key"; and its pack
 * is empty. */

/* Returns the path of that, "ac/DIGEST". The caller frees. */
char *fleet_key_path(const char *title, const unsigned char *signer);
/* Makes the record of short details, and its pack. Returns 0 or a negative errno. */
int fleet_key_pack(struct store *s, const struct signed_text *of, struct signed_pack *ret,
	struct str *ret_bytes);
/* Appends the ActionResult about the result that of is about, with the record and its bytes. Returns 0
 * or a negative errno. */
int fleet_key_write(const struct signed_text *of, const struct signed_pack *record,
	const struct str *bytes, const struct secret_key *sign, struct str *ret);
/* Reads n bytes: verifies that they are signed by the signer, and are about the title. Returns NULL
 * and *ret, which signed_text_done() frees, with the bytes of its record; or why they are not believed;
 * static. */
const char *fleet_key_read(const struct public_key *signer, const char *title,
	const void *bytes, size_t n, struct signed_text *ret, struct str *ret_bytes);

#endif
