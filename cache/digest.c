/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256, computed by libcrypto.
 *
 * Measured with openssl speed, blocks of 16 KiB, OpenSSL 3.0, on an AMD EPYC with the SHA
 * instructions: SHA-256 1.68 GB/s, SHA-1 1.76, BLAKE2b 0.83, SHA-512/256 0.75, BLAKE2s
 * 0.51. Processors made since about 2017 have these instructions. Without them BLAKE2b
 * would be twice as fast as SHA-256, but before version 3.2 libcrypto cannot make 32-byte
 * digests with it, and little is hashed: the statcache knows unchanged files. */
#include "config.h"

#include <errno.h>

#include "cache/digest.h"
#include "cache/libcrypto.h"

/* store_open() has loaded libcrypto already, and reported an error if that failed. */
static void need_libcrypto(void)
{
	if (libcrypto_load(NULL) < 0)
		abort();
}

void digester_begin(struct digester *d)
{
	need_libcrypto();
	d->context = sym_EVP_MD_CTX_new();
	/* This fails only if there is no memory, or if libcrypto does not work at all. */
	if (!d->context || !sym_EVP_DigestInit_ex(d->context, sym_EVP_sha256(), NULL))
		abort();
}

void digester_add(struct digester *d, const void *bytes, size_t n)
{
	if (!sym_EVP_DigestUpdate(d->context, bytes, n))
		abort();
}

void digester_end(struct digester *d, struct digest *ret)
{
	if (ret && !sym_EVP_DigestFinal_ex(d->context, ret->bytes, NULL))
		abort();
	sym_EVP_MD_CTX_free(d->context);
	d->context = NULL;
}

void digest_bytes(const void *bytes, size_t n, struct digest *ret)
{
	need_libcrypto();
	if (!sym_EVP_Digest(bytes, n, ret->bytes, NULL, sym_EVP_sha256(), NULL))
		abort();
}

int digest_fd(int fd, uint64_t max, struct digest *ret)
{
	char buffer[65536];
	struct digester d;
	ssize_t n;
	size_t len = 0;
	int r = 0;

	/* Most files are headers, which fit into the buffer. */
	while (len < sizeof(buffer) &&
		(n = read(fd, buffer + len, sizeof(buffer) - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	if (len < sizeof(buffer)) {
		digest_bytes(buffer, len, ret);
		return len > max ? -EFBIG : 0;
	}
	digester_begin(&d);
	digester_add(&d, buffer, len);
	for (uint64_t total = len; r == 0 && (n = read(fd, buffer, sizeof(buffer))) != 0;) {
		if (n < 0 && errno != EINTR)
			r = -errno;
		total += n > 0 ? (uint64_t)n : 0;
		if (total > max)
			r = -EFBIG;
		digester_add(&d, buffer, n > 0 ? (size_t)n : 0);
	}
	digester_end(&d, r == 0 ? ret : NULL);
	return r;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_hex(const struct digest *d, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		ret[2 * i] = digits[d->bytes[i] >> 4];
		ret[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	ret[2 * DIGEST_SIZE] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool digest_parse(const char *hex, struct digest *ret)
{
	struct digest d;

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = digit_value(hex[2 * i]);
		int low = high < 0 ? -1 : digit_value(hex[2 * i + 1]);

		if (low < 0)
			return false;
		d.bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret = d;
	return true;
}
