/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_SIGNED_TEXT_H
#define CACHE_REMOTE_SIGNED_TEXT_H

#include "base/str.h"
#include "cache/entry.h"
#include "cache/remote/signify.h"

/* What a signer says about a result in a remote cache: which key it has, and what belongs to it.
 * A result is in two packs (pack.h). The record says what else has to be the same as when the
 * result was made, its manifest; the pack has everything else. A text:
 *
 *   dkms remote 1
 *   key DIGEST                          of the primary key of the result
 *   signer PUBLIC-KEY                   in hexadecimal
 *   slot NUMBER                         which of the results with that key
 *   made SECONDS COST-IN-MS
 *   by TEXT                             the host that made it
 *   title TEXT
 *   part DIGEST NAME                    of each part of the key
 *   record DIGEST SIZE UNPACKED-SIZE
 *   text DIGEST SIZE NAME               of each file in the record
 *   pack DIGEST SIZE UNPACKED-SIZE
 *   file DIGEST SIZE NAME               of each file in the pack that is a file of the result
 *   text DIGEST SIZE NAME               of each other one
 *   end
 *
 * Numbers are decimal; TEXT and NAME have no control characters. There is one text for what it
 * says: no other order and no other spelling is read. */

struct signed_pack {
	struct digest digest; /* of the compressed bytes */
	uint64_t size, unpacked; /* bytes */
	struct entry_file *files; /* in the order in which they are packed */
	size_t n_files, n_results; /* the first n_results are files of the result */
};

struct signed_text {
	struct digest key;
	unsigned char signer[SIGNIFY_PUBLIC_SIZE];
	unsigned int slot;
	int64_t made_s;
	uint64_t cost_ms;
	char *by, *title;
	struct entry_part *parts;
	size_t n_parts;
	struct signed_pack record, pack;
};

/* A text has at most so many bytes, parts, and files in a pack; a name so many bytes; and what
 * is unpacked of one pack so many. */
#define SIGNED_TEXT_MAX (48 * 1024)
#define SIGNED_PARTS_MAX 64
#define SIGNED_FILES_MAX 256
#define SIGNED_NAME_MAX 255
#define SIGNED_UNPACKED_MAX (UINT64_C(1) << 30)
#define SIGNED_SLOTS 8

void signed_text_done(struct signed_text *t);
/* Appends the text. */
void signed_text_write(const struct signed_text *t, struct str *ret);
/* Reads n bytes; signed_text_done() frees. Returns 0, or -EBADMSG for anything that
 * signed_text_write() would not write, or that exceeds a limit. */
int signed_text_parse(const char *text, size_t n, struct signed_text *ret);

/* Returns the path "ac/DIGEST" at which a result is looked for; the caller frees. DIGEST is of its key,
 * its slot and the public key of the signer, so that no signer can take the place of another one. */
char *signed_text_path(
	const struct digest *key, const unsigned char *signer, unsigned int slot);
/* Frees what is in p. */
void signed_pack_done(struct signed_pack *p);

#endif
