/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which key pair signs modules, and how is it made? */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "cache/libcrypto.h"
#include "builder/host/keypair.h"

#define KEY_BITS 2048
#define LIFE_DAYS 36500
#define SUBJECT "DKMS module signing key"

#define DEFAULT_TREE LOCALSTATEDIR "/lib/dkms"
/* The key pair that Ubuntu's package shim-signed makes and helps to enroll. */
#define SHIM_KEY LOCALSTATEDIR "/lib/shim-signed/mok/MOK.priv"
#define SHIM_CERTIFICATE LOCALSTATEDIR "/lib/shim-signed/mok/MOK.der"

/* A larger file is not read as a key (bytes). */
#define KEY_FILE_MAX (1024 * 1024)

/* Chooses the key pair of this machine. With a dkms tree other than /var/lib/dkms, a key
 * pair in that tree is chosen if the machine's key cannot be read, so that such a run
 * does not write to the machine's /var/lib. */
static void choose_default(const struct settings *s, bool shim, struct keypair *ret)
{
	*ret = (struct keypair){.key_default = true, .certificate_default = true};
	if (shim) {
		ret->key = xstrdup(SHIM_KEY);
		ret->certificate = xstrdup(SHIM_CERTIFICATE);
	} else {
		ret->key = xstrdup(DEFAULT_TREE "/mok.key");
		ret->certificate = xstrdup(DEFAULT_TREE "/mok.pub");
	}
	if (streq(s->trees.dkms, DEFAULT_TREE) || access(ret->key, R_OK) == 0)
		return;
	free(ret->key);
	free(ret->certificate);
	ret->key = path_join(s->trees.dkms, "mok.key");
	ret->certificate = path_join(s->trees.dkms, "mok.pub");
}

/* Returns the value of an attribute of a URI, of len bytes, without the "%XX" in it. The
 * caller frees. */
static char *decode_value(const char *value, size_t len)
{
	struct str s = {0};

	for (size_t i = 0; i < len; i++) {
		char hex[3] = "", *end = hex, c = value[i];

		if (c == '%' && i + 2 < len) {
			memcpy(hex, value + i + 1, 2);
			c = (char)strtoul(hex, &end, 16);
		}
		if (end == hex + 2)
			i += 2;
		else
			c = value[i];
		str_add_bytes(&s, &c, 1);
	}
	return s.len ? str_take(&s) : xstrdup("");
}

static void free_pin(struct keypair *k)
{
	if (k->pin)
		explicit_bzero(k->pin, strlen(k->pin));
	free(TAKE_PTR(k->pin));
}

/* Moves the PIN from the URI k->key to k->pin. */
static void take_pin(struct keypair *k)
{
	static const char name[] = "pin-value=", between[] = ";?&";
	struct str uri = {0};
	const char *at = k->key;

	while (*at) {
		size_t len = strcspn(at, between);

		if (at == k->key && len >= strlen("pkcs11:"))
			len = strlen("pkcs11:");
		if (has_prefix(at, name)) {
			free_pin(k);
			k->pin = decode_value(
				at + strlen(name), len - strlen(name));
			str_add(&uri, "pin-source=" KEYPAIR_PIN_SOURCE);
		} else {
			str_add_bytes(&uri, at, len);
		}
		at += len;
		if (*at && strchr(between, *at))
			str_add_bytes(&uri, at++, 1);
	}
	explicit_bzero(k->key, strlen(k->key));
	free(k->key);
	k->key = str_take(&uri);
}

void keypair_choose(const struct settings *s, const char *release, struct keypair *ret)
{
	bool own_key = !is_empty(s->signing.key);
	bool shim = s->distro == DISTRO_UBUNTU && !own_key;

	choose_default(s, shim, ret);
	if (own_key) {
		free(ret->key);
		ret->key = settings_expand_kernelver(s->signing.key, release);
		ret->key_default = false;
		if (has_prefix(ret->key, "pkcs11:"))
			take_pin(ret);
	}
	/* The key of shim-signed is always used with the certificate of shim-signed. */
	if (!shim && !is_empty(s->signing.certificate)) {
		free(ret->certificate);
		ret->certificate =
			settings_expand_kernelver(s->signing.certificate, release);
		ret->certificate_default = false;
	}
}

void keypair_done(struct keypair *k)
{
	free_pin(k);
	free(k->key);
	free(k->certificate);
	*k = (struct keypair){0};
}

/* Fills err with "cannot WHAT PATH" and the reason that libcrypto gives. */
static int crypto_error(struct error *err, const char *what, const char *path)
{
	const char *reason = sym_ERR_reason_error_string(sym_ERR_peek_last_error());

	sym_ERR_clear_error();
	return error_set(err, -EBADMSG, 1, "cannot %s %s%s%s", what, path,
		reason ? ": " : "", reason ? reason : "");
}

static bool add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *e = sym_X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool added = e && sym_X509_add_ext(x, e, -1);

	sym_X509_EXTENSION_free(e);
	return added;
}

static bool add_extensions(X509 *x)
{
	/* Kernels with CONFIG_INTEGRITY_CA_MACHINE_KEYRING accept a machine owner key
	 * only if it is a certificate authority, which needs the first two extensions.
	 * shim and the kernel check the third. */
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{NID_basic_constraints, "critical,CA:TRUE"},
		{NID_key_usage, "critical,digitalSignature,keyCertSign"},
		{NID_ext_key_usage, "codeSigning"},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid:always"},
	};
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	sym_X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(extensions); i++)
		if (!add_extension(x, &context, extensions[i].nid, extensions[i].value))
			return false;
	return true;
}

static bool set_serial(X509 *x)
{
	BIGNUM *n = sym_BN_new();
	bool set = n && sym_BN_rand(n, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		   sym_BN_to_ASN1_INTEGER(n, sym_X509_get_serialNumber(x));

	sym_BN_free(n);
	return set;
}

static bool set_name(X509 *x)
{
	X509_NAME *name = sym_X509_get_subject_name(x);

	return sym_X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		       (const unsigned char *)SUBJECT, -1, -1, 0) &&
	       sym_X509_set_issuer_name(x, name);
}

/* Returns a self-signed certificate, which X509_free() frees; NULL if libcrypto fails. */
static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *x = sym_X509_new();

	if (x && sym_X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
		set_name(x) && sym_X509_gmtime_adj(sym_X509_getm_notBefore(x), 0) &&
		sym_X509_time_adj_ex(sym_X509_getm_notAfter(x), LIFE_DAYS, 0, NULL) &&
		sym_X509_set_pubkey(x, key) && add_extensions(x) &&
		sym_X509_sign(x, key, sym_EVP_sha256()))
		return x;
	sym_X509_free(x);
	return NULL;
}

static int write_certificate(const struct keypair *k, EVP_PKEY *key, struct error *err)
{
	X509 *x = make_certificate(key);
	unsigned char *der = NULL;
	int len = x ? sym_i2d_X509(x, &der) : -1;
	int r;

	if (len < 0)
		r = crypto_error(err, "make the certificate", k->certificate);
	else
		r = file_write(k->certificate, der, (size_t)len, 0644, err);
	sym_CRYPTO_free(der, __FILE__, __LINE__);
	sym_X509_free(x);
	return r;
}

/* Writes the key as PEM to a new file with mode 0600. */
static int write_key(const char *path, EVP_PKEY *key, struct error *err)
{
	BIO *bio = sym_BIO_new(sym_BIO_s_secmem());
	char *pem = NULL;
	long len;
	int r;

	if (!bio ||
		!sym_PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
		r = crypto_error(err, "make the key", path);
	} else {
		len = sym_BIO_ctrl(bio, BIO_CTRL_INFO, 0, &pem);
		r = file_write(path, pem, (size_t)len, 0600, err);
	}
	sym_BIO_free(bio);
	return r;
}

/* Whether the text of a PEM file says that the key is encrypted, as PKCS #8 (RFC 5958) or in the
 * older way of OpenSSL: "Proc-Type: 4,ENCRYPTED". */
static bool is_encrypted(const struct str *text)
{
	return text->len && strstr(text->data, "ENCRYPTED");
}

static int no_passphrase(const char *path, const char *pin, struct error *err)
{
	int r = pin ? error_set(err, -EACCES, 1,
			      "KBUILD_SIGN_PIN is not the passphrase of the key %s", path)
		    : error_set(err, -EACCES, 1, "the key %s is encrypted", path);

	error_remedy(err, "set KBUILD_SIGN_PIN to its passphrase");
	return r;
}

/* Reads a PEM file. The caller frees with EVP_PKEY_free(). */
static int read_key(const char *path, EVP_PKEY **ret, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	char *pin = getenv("KBUILD_SIGN_PIN");
	EVP_PKEY *key;
	bool encrypted;
	BIO *bio;
	int r = file_read(path, KEY_FILE_MAX, &text, err);

	if (r < 0)
		return r;
	encrypted = is_encrypted(&text);
	if (encrypted && !pin)
		return no_passphrase(path, pin, err);
	bio = sym_BIO_new_mem_buf(text.data, (int)text.len);
	/* Without any passphrase, libcrypto would ask for one at the terminal. */
	key = sym_PEM_read_bio_PrivateKey(bio, NULL, NULL, pin ? pin : (char[]){""});
	sym_BIO_free(bio);
	sym_OPENSSL_cleanse(text.data, text.len);
	if (!key && encrypted) {
		sym_ERR_clear_error();
		return no_passphrase(path, pin, err);
	}
	if (!key)
		return crypto_error(err, "read the key", path);
	*ret = key;
	return 0;
}

int keypair_check_passphrase(const struct keypair *k, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	EVP_PKEY *key = NULL;
	int r = file_read(k->key, KEY_FILE_MAX, &text, err);
	bool encrypted = r == 0 && is_encrypted(&text);

	if (text.data)
		explicit_bzero(text.data, text.len);
	if (!encrypted)
		return r;
	r = libcrypto_load(err);
	if (r == 0)
		r = read_key(k->key, &key, err);
	if (key)
		sym_EVP_PKEY_free(key);
	return r;
}

/* Makes the certificate for the existing key. */
static int make_missing_certificate(const struct keypair *k, struct error *err)
{
	EVP_PKEY *key = NULL;
	int r = read_key(k->key, &key, err);

	if (r == 0)
		r = write_certificate(k, key, err);
	sym_EVP_PKEY_free(key);
	return r;
}

/* Makes the key and its certificate. The caller holds the lock. The key comes first: if dkms
 * ends before there is a certificate, the next run makes that, but a certificate without a key
 * would have to be removed by hand. */
static int make_both(const struct keypair *k, struct error *err)
{
	EVP_PKEY *key = sym_EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KEY_BITS);
	int r;

	if (!key)
		return crypto_error(err, "make the key", k->key);
	r = write_key(k->key, key, err);
	if (r == 0)
		r = write_certificate(k, key, err);
	sym_EVP_PKEY_free(key);
	return r;
}

bool keypair_is_complete(const struct keypair *k)
{
	return path_is_file(k->key) && path_is_file(k->certificate);
}

/* Checks that what is missing of the key pair can be made without losing anything: a file
 * that exists is never replaced, even if it is no key. */
static int check_missing(const struct keypair *k, bool *ret_has_key, struct error *err)
{
	int key = path_look(k->key), certificate = path_look(k->certificate);

	if (key < 0)
		return error_errno(err, key, 1, "cannot look at %s", k->key);
	if (certificate < 0)
		return error_errno(
			err, certificate, 1, "cannot look at %s", k->certificate);
	if (key && !path_is_file(k->key))
		return error_set(err, -EEXIST, 1, "the key %s is not a file", k->key);
	if (certificate && !path_is_file(k->certificate))
		return error_set(err, -EEXIST, 1, "the certificate %s is not a file",
			k->certificate);
	*ret_has_key = key;
	if (!certificate || key)
		return 0;
	error_set(err, -ENOENT, 1, "there is no key %s for the certificate %s", k->key,
		k->certificate);
	error_remedy(err,
		k->key_default
			? "put the key back; or remove the certificate, and a new pair is made"
			: "check mok_signing_key and mok_certificate in framework.conf");
	return -ENOENT;
}

static int make_directory_of(const char *path, struct error *err)
{
	_cleanup_free_ char *dir = path_parent(path);

	return !*dir || path_is_dir(dir) ? 0 : dir_make(dir, err);
}

int keypair_ensure(const struct keypair *k, const char *dkms_tree,
	enum keypair_made *ret_made, struct error *err)
{
	_cleanup_(lock_release) struct lock lock = {0};
	bool has_key = false;
	int r = 0;

	*ret_made = KEYPAIR_MADE_NOTHING;
	if (has_prefix(k->key, "pkcs11:")) {
		if (path_is_file(k->certificate))
			return 0;
		return error_set(
			err, -ENOENT, 1, "there is no certificate %s", k->certificate);
	}
	if (keypair_is_complete(k))
		return 0;
	r = libcrypto_load(err);
	if (r == 0 && k->key_default)
		r = make_directory_of(k->key, err);
	if (r == 0)
		r = lock_try(dkms_tree, k->key, &lock, err);
	if (r == 0 && k->certificate_default)
		r = make_directory_of(k->certificate, err);
	if (r < 0 || keypair_is_complete(k)) /* another process has made it meanwhile */
		return r;
	r = check_missing(k, &has_key, err);
	if (r == 0)
		r = has_key ? make_missing_certificate(k, err) : make_both(k, err);
	if (r == 0)
		*ret_made = has_key ? KEYPAIR_MADE_CERTIFICATE : KEYPAIR_MADE_BOTH;
	return r;
}

void keypair_list_secrets(const struct settings *s, const char *release, struct strv *ret)
{
	struct keypair pair;

	const char *const of_remote_cache[] = {
		s->remote.sign_key, s->remote_access.key, s->remote_access.password_file};

	keypair_choose(s, release, &pair);
	strv_push(ret, pair.key);
	keypair_done(&pair);
	for (size_t i = 0; i < ARRAY_SIZE(of_remote_cache); i++)
		if (!is_empty(of_remote_cache[i]))
			strv_push(ret, of_remote_cache[i]);
}
