/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KEYPAIR_H
#define BUILDER_HOST_KEYPAIR_H

#include "base/error.h"
#include "builder/host/settings.h"

/* The key that signs modules and the certificate that the machine's owner enrolls (MOK). */
struct keypair {
	char *key;	       /* a PEM file, or a pkcs11: URI */
	char *certificate;     /* a DER file */
	bool key_default;      /* the places are ours, so that we may make their */
	bool certificate_default; /* directories */
};

/* Which key pair is for a kernel: that of the settings, else the distribution's, else
 * ours; that of a dkms tree elsewhere when that cannot be read. keypair_done frees. */
void keypair_choose(const struct settings *s, const char *release, struct keypair *ret);
void keypair_done(struct keypair *k);

/* Appends the files that no command of a module may read: the key for that kernel. */
void keypair_list_secrets(
	const struct settings *s, const char *release, struct strv *ret);

/* Makes what is missing. A key: RSA 2048, unencrypted, mode 0600, together with its
 * certificate, also when there is a certificate of another key. A certificate alone: for
 * the key that there is (a passphrase is expected in KBUILD_SIGN_PIN). It is self-signed,
 * for 100 years, with code signing as its purpose. Both appear by rename, and several
 * threads or processes at once end up with one pair; a reader that takes no lock never
 * sees a key with the certificate of another.
 *
 * *ret_made tells whether there was anything to do. Errors have status 1: a place cannot
 * be written, the key cannot be read. A key is also made when only its certificate cannot
 * be written. */
int keypair_ensure(const struct keypair *k, bool *ret_made, struct error *err);

#endif
