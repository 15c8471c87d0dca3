/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which certificate is this? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/certificate.h"
#include "cache/libcrypto.h"

/* A larger file is not read (bytes). Real certificates have about 1 KiB. */
#define CERTIFICATE_MAX (64 * 1024)

static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

/* Returns the bytes in hexadecimal; the caller frees. */
static char *to_hex(const unsigned char *bytes, size_t n, const char *digits, const char *between)
{
	struct str s = {0};

	str_add(&s, "");
	for (size_t i = 0; i < n; i++)
		str_addf(&s, "%s%c%c", i ? between : "", digits[bytes[i] >> 4],
			digits[bytes[i] & 15]);
	return str_take(&s);
}

static char *asn1_to_hex(const ASN1_STRING *s, const char *digits, const char *between)
{
	return to_hex(sym_ASN1_STRING_get0_data(s), (size_t)sym_ASN1_STRING_length(s), digits,
		between);
}

static void describe(X509 *x, struct certificate *ret)
{
	const ASN1_STRING *id = sym_X509_get0_subject_key_id(x);
	const ASN1_STRING *serial = sym_X509_get_serialNumber(x);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char name[256] = "";

	sym_X509_NAME_get_text_by_NID(
		sym_X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	sym_EVP_Digest(ret->der.data, ret->der.len, digest, &n, sym_EVP_sha256(), NULL);
	ret->common_name = xstrdup(name);
	ret->digest = to_hex(digest, n, lower, ":");
	ret->serial = asn1_to_hex(serial, upper, ":");
	ret->key_id = asn1_to_hex(id ? id : serial, lower, "");
}

int certificate_read(const char *path, struct certificate *ret, struct error *err)
{
	const unsigned char *at;
	X509 *x;
	int r;

	*ret = (struct certificate){0};
	r = libcrypto_load(err);
	if (r == 0)
		r = file_read(path, CERTIFICATE_MAX, &ret->der, err);
	if (r < 0)
		return r;
	at = (const unsigned char *)ret->der.data;
	x = ret->der.len ? sym_d2i_X509(NULL, &at, (long)ret->der.len) : NULL;
	if (!x) {
		sym_ERR_clear_error();
		return error_set(err, -EBADMSG, 1, "%s is no certificate in DER", path);
	}
	describe(x, ret);
	sym_X509_free(x);
	return 0;
}

void certificate_done(struct certificate *c)
{
	str_done(&c->der);
	free(c->common_name);
	free(c->digest);
	free(c->serial);
	free(c->key_id);
	*c = (struct certificate){0};
}
