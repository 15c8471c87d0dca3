/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_DIGEST_H
#define CACHE_DIGEST_H

#include <stdint.h>

#include "base/util.h"

/* Cryptographic digests (SHA-256). The same digest means the same bytes. libcrypto must
 * have been loaded: store_open() does that. */

#define DIGEST_SIZE 32
#define DIGEST_HEX (2 * DIGEST_SIZE + 1) /* size of the text, with its NUL */

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

/* The digest of bytes that are added one after the other. */
struct digester {
	void *context;
};

void digester_begin(struct digester *d);
void digester_add(struct digester *d, const void *bytes, size_t n);
/* Fills *ret, unless ret is NULL, and frees what digester_begin has allocated. */
void digester_end(struct digester *d, struct digest *ret);

void digest_bytes(const void *bytes, size_t n, struct digest *ret);
/* Reads fd from its position to its end. Returns 0 or a negative errno; -EFBIG if there are
 * more than max bytes. */
int digest_fd(int fd, uint64_t max, struct digest *ret);

bool digest_equal(const struct digest *a, const struct digest *b);
/* Writes the digest in lower-case hexadecimal to ret, which has DIGEST_HEX bytes. */
void digest_hex(const struct digest *d, char *ret);
/* Reads a digest from the first 64 bytes at hex. Returns false if they are not lower-case
 * hexadecimal digits. What follows them is not looked at. */
bool digest_parse(const char *hex, struct digest *ret);

#endif
