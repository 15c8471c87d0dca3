/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_REMOTE_SIGNIFY_H
#define CACHE_REMOTE_SIGNIFY_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* ed25519 keys and signatures in the format of OpenBSD's signify(1), so that
 * signify-openbsd(1) can judge them. Each file is a line "untrusted comment: TEXT" and a line
 * of base64, which stands for
 *
 *   public key  "Ed", the number of the key (8 bytes), the key (32 bytes)
 *   secret key  "Ed", "BK", the rounds of the key's encryption (4 bytes, big endian; 0: it is
 *               not encrypted, as with signify -n), salt (16 bytes), the first 8 bytes of the
 *               SHA-512 of the key, its number (8 bytes), the key (64 bytes)
 *   signature   "Ed", the number of the key (8 bytes), the signature (64 bytes)
 *
 * The signature of a message may be followed by the message: "signify -e". */

#define SIGNIFY_NUMBER_SIZE 8
#define SIGNIFY_PUBLIC_SIZE 32
#define SIGNIFY_SECRET_SIZE 64

struct public_key {
	char *name; /* of its file, without ".pub"; says nothing about who it is */
	unsigned char number[SIGNIFY_NUMBER_SIZE];
	unsigned char bytes[SIGNIFY_PUBLIC_SIZE];
};

struct secret_key {
	struct public_key pub;
	unsigned char bytes[SIGNIFY_SECRET_SIZE];
};

void public_key_done(struct public_key *key);
void secret_key_done(struct secret_key *key); /* overwrites the key */

/* Makes a key pair. Returns 0 or a negative errno; the done functions free. */
int signify_make_key(const char *name, struct secret_key *ret, struct error *err);
/* Write the files at path, by rename: the secret one with mode 0600. Return 0, -EEXIST if
 * there is such a file, or another negative errno, with status 1. */
int signify_write_secret(const char *path, const struct secret_key *key, struct error *err);
int signify_write_public(const char *path, const struct public_key *key, struct error *err);
/* Read the files at path, which only root and the user of dkms may be able to write, and
 * the secret one only they to read. Return 0, -EBADMSG for a file with another format or an
 * encrypted key, -EPERM, or another negative errno, with status 1. */
int signify_read_secret(const char *path, struct secret_key *ret, struct error *err);
int signify_read_public(const char *path, struct public_key *ret, struct error *err);
/* Reads each NAME.pub in a directory, in the order of their names; a key that several files
 * have is there once, by the first of the names. Returns 0, also if the directory is missing,
 * or what signify_read_public() does; signify_free_keys() frees. */
int signify_read_keys(
	const char *dir, struct public_key **ret, size_t *ret_n, struct error *err);
void signify_free_keys(struct public_key *keys, size_t n);

/* Appends the two lines of a signature of n bytes. Returns 0, or a negative errno and
 * status 1. */
int signify_sign(const struct secret_key *key, const void *message, size_t n,
	struct str *ret, struct error *err);
/* Whether the n bytes at text begin with a signature of key over message_n bytes. */
bool signify_verify(const struct public_key *key, const char *text, size_t n,
	const void *message, size_t message_n);
/* Returns the length of the signature that the n bytes at text begin with, which is not
 * verified: of its two lines. 0 if there is none. */
size_t signify_signature_length(const char *text, size_t n);

#endif
