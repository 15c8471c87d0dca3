/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CACHE_LIBCRYPTO_H
#define CACHE_LIBCRYPTO_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/library.h"

/* libcrypto, loaded when the first digest or key pair is made (base/library.h), because
 * loading it takes longer than many runs of dkms. */

/* Returns 0, or -ENOENT with status 1 if the library is missing. For any thread. */
int libcrypto_load(struct error *err);

/* The functions of the library that dkms uses. */
#define LIBCRYPTO_FUNCTIONS(X)                                                           \
	X(ASN1_STRING_get0_data)                                                         \
	X(ASN1_STRING_length)                                                            \
	X(BIO_ctrl)                                                                      \
	X(BIO_free)                                                                      \
	X(BIO_new)                                                                       \
	X(BIO_new_mem_buf)                                                               \
	X(BIO_s_secmem)                                                                  \
	X(BN_free)                                                                       \
	X(BN_new)                                                                        \
	X(BN_rand)                                                                       \
	X(BN_to_ASN1_INTEGER)                                                            \
	X(CRYPTO_free)                                                                   \
	X(ERR_clear_error)                                                               \
	X(ERR_peek_last_error)                                                           \
	X(ERR_reason_error_string)                                                       \
	X(EVP_DecodeBlock)                                                               \
	X(EVP_Digest)                                                                    \
	X(EVP_DigestFinal_ex)                                                            \
	X(EVP_DigestInit_ex)                                                             \
	X(EVP_DigestSign)                                                                \
	X(EVP_DigestSignInit)                                                            \
	X(EVP_DigestUpdate)                                                              \
	X(EVP_DigestVerify)                                                              \
	X(EVP_DigestVerifyInit)                                                          \
	X(EVP_EncodeBlock)                                                               \
	X(EVP_MD_CTX_free)                                                               \
	X(EVP_MD_CTX_new)                                                                \
	X(EVP_PKEY_Q_keygen)                                                             \
	X(EVP_PKEY_free)                                                                 \
	X(EVP_PKEY_get_raw_public_key)                                                   \
	X(EVP_PKEY_new_raw_private_key)                                                  \
	X(EVP_PKEY_new_raw_public_key)                                                   \
	X(EVP_sha256)                                                                    \
	X(EVP_sha512)                                                                    \
	X(OPENSSL_cleanse)                                                               \
	X(PEM_read_bio_PrivateKey)                                                       \
	X(PEM_write_bio_PKCS8PrivateKey)                                                 \
	X(X509V3_EXT_conf_nid)                                                           \
	X(X509V3_set_ctx)                                                                \
	X(X509_EXTENSION_free)                                                           \
	X(X509_NAME_add_entry_by_txt)                                                    \
	X(X509_NAME_get_text_by_NID)                                                     \
	X(X509_add_ext)                                                                  \
	X(X509_free)                                                                     \
	X(X509_get0_subject_key_id)                                                      \
	X(X509_get_serialNumber)                                                         \
	X(X509_get_subject_name)                                                         \
	X(X509_getm_notAfter)                                                            \
	X(X509_getm_notBefore)                                                           \
	X(X509_gmtime_adj)                                                               \
	X(X509_new)                                                                      \
	X(X509_set_issuer_name)                                                          \
	X(X509_set_pubkey)                                                               \
	X(X509_set_version)                                                              \
	X(X509_sign)                                                                     \
	X(X509_time_adj_ex)                                                              \
	X(d2i_X509)                                                                      \
	X(i2d_X509)

LIBCRYPTO_FUNCTIONS(LIBRARY_DECLARE)

#endif
