/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "cache/libcrypto.h"

#if OPENSSL_VERSION_MAJOR != 3
#error "dkms loads libcrypto.so.3 and needs the headers of OpenSSL 3"
#endif

LIBCRYPTO_FUNCTIONS(LIBRARY_DEFINE)

int libcrypto_load(struct error *err)
{
	static const struct library_symbol symbols[] = {
		LIBCRYPTO_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library library =
		LIBRARY("libcrypto.so.3", "hashing and signing", "openssl", symbols);

	return library_load(&library, err);
}
