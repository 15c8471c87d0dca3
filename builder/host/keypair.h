/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_KEYPAIR_H
#define BUILDER_HOST_KEYPAIR_H

#include "base/error.h"
#include "builder/host/settings.h"

/* The key that signs modules and its certificate, which the owner of the machine enrolls
 * as a machine owner key (MOK). */
struct keypair {
	char *key;	       /* a PEM file, or a pkcs11: URI without a PIN */
	char *pin;	       /* the PIN that was in this URI, or NULL */
	char *certificate;     /* a DER file */
	/* The path is a default of dkms, which may therefore make its directory. */
	bool key_default, certificate_default;
};

/* Where the program that signs finds the PIN: the first descriptor that a command brings
 * itself. Everybody can read its command line, but not its descriptors or its
 * environment. */
#define KEYPAIR_PIN_SOURCE "file:/proc/self/fd/10"

/* Chooses the key pair for a kernel: that of the settings, otherwise that of the
 * distribution, otherwise that in /var/lib/dkms. If the settings name none and the dkms
 * tree is not /var/lib/dkms, a default key that cannot be read is replaced by one in the
 * dkms tree. In a URI (RFC 7512), pin-source=KEYPAIR_PIN_SOURCE replaces the attribute
 * pin-value. keypair_done() frees. */
void keypair_choose(const struct settings *s, const char *release, struct keypair *ret);
void keypair_done(struct keypair *k);

/* Appends the files that no command of a module may read: the key for a kernel, and the keys and the
 * password of a remote cache. */
void keypair_list_secrets(
	const struct settings *s, const char *release, struct strv *ret);

enum keypair_made { KEYPAIR_MADE_NOTHING, KEYPAIR_MADE_CERTIFICATE, KEYPAIR_MADE_BOTH };

/* Returns whether both files exist. */
bool keypair_is_complete(const struct keypair *k);

/* Checks that the key, which is a file, is not encrypted, or that the environment variable
 * KBUILD_SIGN_PIN is its passphrase: the program that signs says neither in plain words. Errors
 * have status 1. */
int keypair_check_passphrase(const struct keypair *k, struct error *err);

/* Makes the files that are missing. Without both, makes an RSA key of 2048 bits, not
 * encrypted, mode 0600, and its certificate. With a key but no certificate, makes the
 * certificate; the environment variable KBUILD_SIGN_PIN is the passphrase of the key. A
 * certificate without its key is an error: it may belong to another key. A certificate is
 * self-signed, valid for 100 years and meant for code signing.
 *
 * Both files appear by rename, the key first, and replace nothing. Returns -EAGAIN without
 * an error if another thread or process that uses the same dkms tree is making the pair:
 * try again later. A reader without a lock never sees a key together with the certificate
 * of another key.
 *
 * *ret_made tells what was made. Errors have status 1: a file cannot be written or the key
 * cannot be read. If only the certificate cannot be written, the key
 * is still made. */
int keypair_ensure(const struct keypair *k, const char *dkms_tree,
	enum keypair_made *ret_made, struct error *err);

#endif
