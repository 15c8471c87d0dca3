/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/dirents.h"
#include "base/file.h"
#include "builder/host/keypair.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test-XXXXXX";

static struct keypair pair_in(const char *key, const char *certificate)
{
	return (struct keypair){
		.key = path_join(dir, key),
		.certificate = path_join(dir, certificate),
	};
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	return key;
}

static X509 *read_certificate(const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *x = f ? d2i_X509_fp(f, NULL) : NULL;

	if (f)
		fclose(f);
	return x;
}

static bool is_pair(const struct keypair *k)
{
	EVP_PKEY *key = read_key(k->key);
	X509 *x = read_certificate(k->certificate);
	bool good = key && x && X509_check_private_key(x, key) == 1;

	EVP_PKEY_free(key);
	X509_free(x);
	return good;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void test_choose(void)
{
	struct settings s;
	struct keypair k;

	settings_init(&s);
	keypair_choose(&s, "6.1", &k);
	is(k.key, LOCALSTATEDIR "/lib/dkms/mok.key", "compat 5: the default key");
	is(k.certificate, LOCALSTATEDIR "/lib/dkms/mok.pub", "compat 5: the default certificate");
	keypair_done(&k);
	s.distro = DISTRO_UBUNTU;
	keypair_choose(&s, "6.1", &k);
	is(k.key, LOCALSTATEDIR "/lib/shim-signed/mok/MOK.priv", "compat 5: Ubuntu: shim's key");
	is(k.certificate, LOCALSTATEDIR "/lib/shim-signed/mok/MOK.der",
		"compat 5: Ubuntu: shim's certificate");
	ok(k.key_default && k.certificate_default, "key and certificate are defaults");
	keypair_done(&k);
	str_replace(&s.trees.dkms, dir);
	keypair_choose(&s, "6.1", &k);
	/* This machine may have a default pair that can be read. */
	ok(has_prefix(k.key, dir) || access(k.key, R_OK) == 0,
		"another dkms tree has a pair of its own");
	keypair_done(&k);
	str_replace(&s.trees.dkms, LOCALSTATEDIR "/lib/dkms");
	s.signing.key = xstrdup("/keys/$kernelver/${kernelver}.key");
	keypair_choose(&s, "6.1", &k);
	is(k.key, "/keys/6.1/6.1.key", "compat 11.14: mok_signing_key is expanded per kernel");
	is(k.certificate, LOCALSTATEDIR "/lib/dkms/mok.pub",
		"the certificate keeps its default");
	keypair_done(&k);
	s.signing.certificate = xstrdup("/keys/${kernelver}.der");
	keypair_choose(&s, "6.1", &k);
	is(k.certificate, "/keys/6.1.der",
		"compat 11.14: mok_certificate is expanded per kernel");
	ok(!k.key_default && !k.certificate_default,
		"neither key nor certificate is a default");
	keypair_done(&k);
	settings_done(&s);
}

static void test_make(void)
{
	struct keypair k = pair_in("mok.key", "mok.pub");
	EVP_PKEY *key;
	X509 *x;
	enum keypair_made made = KEYPAIR_MADE_NOTHING;
	int days = 0, seconds = 0;
	_cleanup_(str_done) struct str before = {0}, after = {0};

	is_int(keypair_ensure(&k, dir, &made, NULL), 0, "compat 5: a missing pair is made");
	ok(made == KEYPAIR_MADE_BOTH, "the caller is told that the pair was made");
	is_int(mode_of(k.key), 0600, "only the owner can read the key");
	is_int(mode_of(k.certificate), 0644, "everybody can read the certificate");
	ok(is_pair(&k), "key (PEM) and certificate (DER) are a pair");
	key = read_key(k.key);
	x = read_certificate(k.certificate);
	if (key && x) {
		is_int(EVP_PKEY_get_base_id(key), EVP_PKEY_RSA, "compat 5: RSA");
		is_int(EVP_PKEY_get_bits(key), 2048, "compat 5: 2048 bits");
		is_int(X509_verify(x, key), 1, "compat 5: self-signed");
		ok(X509_get_extended_key_usage(x) == XKU_CODE_SIGN, "compat 5: codeSigning");
		ok(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE,
			"the key usage permits signatures");
		ok(X509_get0_subject_key_id(x) != NULL, "the certificate has a key id");
		ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x));
		is_int(days, 36500, "compat 5: valid for 100 years");
	}
	EVP_PKEY_free(key);
	X509_free(x);
	file_read(k.key, 65536, &before, NULL);
	is_int(keypair_ensure(&k, dir, &made, NULL), 0, "the pair exists already");
	ok(!made, "no pair is made then");
	unlink(k.certificate);
	is_int(keypair_ensure(&k, dir, &made, NULL), 0, "the certificate is missing");
	ok(made == KEYPAIR_MADE_CERTIFICATE && is_pair(&k), "it is made for the existing key");
	file_read(k.key, 65536, &after, NULL);
	ok(before.len && before.len == after.len && !memcmp(before.data, after.data, after.len),
		"the key is not changed");
	keypair_done(&k);
}

/* A certificate without its key, which may be that of another key. */
static void test_missing_key(void)
{
	struct keypair k = pair_in("lost.key", "kept.pub");
	enum keypair_made made;
	struct error err = {0};
	_cleanup_(str_done) struct str before = {0}, after = {0};

	file_write(k.certificate, "a certificate", 13, 0644, NULL);
	file_read(k.certificate, 65536, &before, NULL);
	ok(keypair_ensure(&k, dir, &made, &err) < 0, "the key is missing");
	ok(strstr(err.what, k.key) && strstr(err.what, k.certificate),
		"the error names both files: %s", err.what);
	file_read(k.certificate, 65536, &after, NULL);
	ok(!made && !path_exists(k.key), "no key is made");
	ok(before.len && before.len == after.len && !memcmp(before.data, after.data, after.len),
		"the certificate is not changed");
	error_done(&err);
	unlink(k.certificate);
	link_write(k.key, "elsewhere", NULL);
	ok(keypair_ensure(&k, dir, &made, &err) < 0 && is_link_at(AT_FDCWD, k.key),
		"a link that leads nowhere is not replaced: %s", err.what);
	error_done(&err);
	unlink(k.key);
	link_write(k.certificate, "elsewhere", NULL);
	ok(keypair_ensure(&k, dir, &made, &err) < 0 && is_link_at(AT_FDCWD, k.certificate),
		"neither is one in place of the certificate: %s", err.what);
	ok(!path_exists(k.key), "no key is made beside it");
	error_done(&err);
	unlink(k.certificate);
	keypair_done(&k);
}

static void test_bad_places(void)
{
	struct keypair k = pair_in("bad.key", "nowhere/bad.der");
	struct error err = {0};
	enum keypair_made made = true;
	_cleanup_free_ char *nowhere = path_join(dir, "nowhere");
	_cleanup_(strv_done) struct strv names = {0};

	ok(keypair_ensure(&k, dir, &made, &err) < 0, "a certificate that cannot be written");
	ok(err.what && strstr(err.what, "nowhere/bad.der"), "the error names it: %s",
		err.what);
	ok(path_is_file(k.key), "compat 11.14: the key is made all the same");
	ok(!path_exists(nowhere), "missing directories are not made");
	error_done(&err);
	keypair_done(&k);
	k = pair_in("nowhere/bad.key", "good.der");
	ok(keypair_ensure(&k, dir, &made, &err) < 0, "a key that cannot be written");
	ok(err.what && strstr(err.what, "nowhere/bad.key"), "the error names it: %s",
		err.what);
	ok(!path_exists(k.certificate), "no certificate is made without a key");
	error_done(&err);
	keypair_done(&k);
	k = pair_in("text.key", "text.der");
	file_write(k.key, "no key\n", 7, 0600, NULL);
	ok(keypair_ensure(&k, dir, &made, &err) < 0, "a key file without a key");
	ok(err.what && strstr(err.what, "text.key"), "the error names it: %s", err.what);
	error_done(&err);
	str_replace(&k.key, "pkcs11:token=x;object=y");
	ok(keypair_ensure(&k, dir, &made, &err) < 0, "compat 5: a key in a token");
	ok(err.what && strstr(err.what, "text.der"),
		"the error says that its certificate is missing: %s", err.what);
	error_done(&err);
	file_write(k.certificate, "x", 1, 0644, NULL);
	is_int(keypair_ensure(&k, dir, &made, &err), 0,
		"a key in a token with a certificate is not read");
	ok(!made, "no pair is made for it");
	error_done(&err);
	keypair_done(&k);
	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++)
		ok(!strstr(names.items[i], ".new"), "no temporary file is left: %s",
			names.items[i]);
}

#define MAKERS 4

struct maker {
	struct keypair pair;
	enum keypair_made made;
	int result;
};

static void *make(void *arg)
{
	struct maker *m = arg;

	do
		m->result = keypair_ensure(&m->pair, dir, &m->made, NULL);
	while (m->result == -EAGAIN);
	return NULL;
}

/* Makes pairs in several processes with several threads each. */
static void test_at_once(void)
{
	struct maker makers[MAKERS];
	pthread_t threads[MAKERS];
	pid_t children[MAKERS];
	int made = 0, failed = 0, status;

	for (int i = 0; i < MAKERS; i++) {
		makers[i] = (struct maker){.pair = pair_in("shared.key", "shared.der")};
		children[i] = fork();
		if (children[i] == 0) {
			make(&makers[i]);
			_exit(makers[i].result < 0 ? 2 : makers[i].made == KEYPAIR_MADE_BOTH);
		}
	}
	for (int i = 0; i < MAKERS; i++)
		pthread_create(&threads[i], NULL, make, &makers[i]);
	for (int i = 0; i < MAKERS; i++) {
		pthread_join(threads[i], NULL);
		made += makers[i].made == KEYPAIR_MADE_BOTH;
		failed += makers[i].result < 0;
		waitpid(children[i], &status, 0);
		made += WIFEXITED(status) && WEXITSTATUS(status) == 1;
		failed += !WIFEXITED(status) || WEXITSTATUS(status) > 1;
	}
	is_int(failed, 0, "several threads and processes at the same time succeed");
	is_int(made, 1, "one of them makes the pair");
	ok(is_pair(&makers[0].pair), "key and certificate belong together");
	for (int i = 0; i < MAKERS; i++)
		keypair_done(&makers[i].pair);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_choose();
	test_make();
	test_missing_key();
	test_bad_places();
	test_at_once();
	dir_remove(dir, NULL);
	return done_testing();
}
