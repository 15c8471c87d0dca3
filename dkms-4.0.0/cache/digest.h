/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_DIGEST_H
#define CACHE_DIGEST_H

#include <stdint.h>

#include "base/util.h"

/* What names bytes: a cryptographic digest, so that the same name is the same bytes. */

#define DIGEST_SIZE 32
#define DIGEST_HEX (2 * DIGEST_SIZE + 1) /* as text, with its NUL */

struct digest {
	unsigned char bytes[DIGEST_SIZE];
};

/* Of bytes that come in pieces. */
struct digester {
	void *context;
};

void digester_begin(struct digester *d);
void digester_add(struct digester *d, const void *bytes, size_t n);
/* Fills *ret and frees what begin made; ret may be NULL. */
void digester_end(struct digester *d, struct digest *ret);

void digest_bytes(const void *bytes, size_t n, struct digest *ret);
/* Reads fd from where it is to its end. Returns 0 or a negative errno. */
int digest_fd(int fd, struct digest *ret);

bool digest_equal(const struct digest *a, const struct digest *b);
/* Lower case; ret has DIGEST_HEX bytes. */
void digest_hex(const struct digest *d, char *ret);
/* The reverse, for exactly 64 such digits at hex, whatever follows them. */
bool digest_parse(const char *hex, struct digest *ret);

#endif
