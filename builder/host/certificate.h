/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_CERTIFICATE_H
#define BUILDER_HOST_CERTIFICATE_H

#include "base/error.h"
#include "base/str.h"

/* What identifies the certificate of the key that signs modules. certificate_done() frees the
 * members. */
struct certificate {
	struct str der;	   /* the file's bytes: a certificate of X.509 in DER */
	char *common_name; /* of the subject: "DKMS module signing key"; "" if it has none */
	char *digest;	   /* SHA-256 of the file: "3f:9a:..." */
	char *serial;	   /* "4F:0A:11", as libkmod writes the key that signed a module */
	/* The end of what /proc/keys calls the certificate, in lower case and without colons: the
	 * subject key identifier, or without one the serial number. */
	char *key_id;
};

/* Reads a certificate. -ENOENT if there is no file, -EBADMSG if it is no certificate; the
 * status is 1. */
int certificate_read(const char *path, struct certificate *ret, struct error *err);
void certificate_done(struct certificate *c);

#endif
