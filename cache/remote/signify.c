/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

#include "base/file.h"
#include "cache/libcrypto.h"
#include "cache/remote/signify.h"
#include "cache/trust.h"

#define COMMENT "untrusted comment: "
#define COMMENT_MAX 1024 /* longer first lines are not read by signify, either (bytes) */
#define ALGORITHM "Ed"
#define ENCRYPTION "BK"
#define CHECKSUM_SIZE 8
#define SIGNATURE_SIZE 64
#define FILE_MAX 4096 /* larger than any key file (bytes) */

struct signature_bytes {
	char algorithm[2];
	unsigned char number[SIGNIFY_NUMBER_SIZE];
	unsigned char bytes[SIGNATURE_SIZE];
};

struct public_bytes {
	char algorithm[2];
	unsigned char number[SIGNIFY_NUMBER_SIZE];
	unsigned char bytes[SIGNIFY_PUBLIC_SIZE];
};

struct secret_bytes {
	char algorithm[2];
	char encryption[2];
	uint32_t rounds; /* big endian */
	unsigned char salt[16];
	unsigned char checksum[CHECKSUM_SIZE];
	unsigned char number[SIGNIFY_NUMBER_SIZE];
	unsigned char bytes[SIGNIFY_SECRET_SIZE];
};

_Static_assert(sizeof(struct secret_bytes) == 104, "the struct is the format");

/* The largest of the three, in base64, with a NUL and the rest of a last group. */
#define BASE64_MAX (4 * ((sizeof(struct secret_bytes) + 2) / 3) + 1)

void public_key_done(struct public_key *key)
{
	free(key->name);
	*key = (struct public_key){0};
}

void secret_key_done(struct secret_key *key)
{
	public_key_done(&key->pub);
	explicit_bzero(key, sizeof(*key));
}

/* Appends the two lines of a file. */
static void add_lines(struct str *ret, const char *comment, const void *bytes, size_t n)
{
	unsigned char text[BASE64_MAX];

	sym_EVP_EncodeBlock(text, bytes, (int)n);
	str_addf(ret, COMMENT "%s\n%s\n", comment, (char *)text);
	explicit_bzero(text, sizeof(text));
}

/* Reads the two lines that text begins with, which stand for n bytes. Returns their length, or
 * 0 if it does not begin with such lines. The bytes are read only from the one text that
 * stands for them. */
static size_t read_lines(const char *text, size_t text_n, void *ret, size_t n)
{
	const char *end = memchr(text, '\n', text_n);
	const size_t base64_n = 4 * ((n + 2) / 3);
	unsigned char bytes[BASE64_MAX], again[BASE64_MAX];
	const char *line;
	bool good;

	if (text_n < strlen(COMMENT) || memcmp(text, COMMENT, strlen(COMMENT)) != 0 ||
		!end || end - text > COMMENT_MAX)
		return 0;
	line = end + 1;
	if (text_n - (size_t)(line - text) < base64_n + 1 || line[base64_n] != '\n' ||
		memchr(line, '\n', base64_n))
		return 0;
	if (sym_EVP_DecodeBlock(bytes, (const unsigned char *)line, (int)base64_n) < 0)
		return 0;
	sym_EVP_EncodeBlock(again, bytes, (int)n);
	good = memcmp(again, line, base64_n) == 0;
	if (good)
		memcpy(ret, bytes, n);
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(again, sizeof(again));
	return good ? (size_t)(line - text) + base64_n + 1 : 0;
}

/* The checksum by which signify notices a wrong passphrase. */
static bool fill_checksum(const struct secret_key *key, unsigned char *ret)
{
	unsigned char digest[64];
	unsigned int n;

	if (sym_EVP_Digest(key->bytes, sizeof(key->bytes), digest, &n, sym_EVP_sha512(),
		    NULL) != 1)
		return false;
	memcpy(ret, digest, CHECKSUM_SIZE);
	return true;
}

/* Fills in the public key that belongs to the first half of the secret one, which is what it
 * is made of. */
static bool derive_public(struct secret_key *key)
{
	size_t n = SIGNIFY_PUBLIC_SIZE;
	EVP_PKEY *pkey = sym_EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, key->bytes, SIGNIFY_PUBLIC_SIZE);
	bool good = pkey &&
		    sym_EVP_PKEY_get_raw_public_key(pkey, key->pub.bytes, &n) == 1 &&
		    n == SIGNIFY_PUBLIC_SIZE;

	sym_EVP_PKEY_free(pkey);
	sym_ERR_clear_error();
	return good;
}

int signify_make_key(const char *name, struct secret_key *ret, struct error *err)
{
	struct secret_key key = {0};
	int r = libcrypto_load(err);

	if (r < 0)
		return r;
	if (getrandom(key.bytes, SIGNIFY_PUBLIC_SIZE, 0) != SIGNIFY_PUBLIC_SIZE ||
		getrandom(key.pub.number, SIGNIFY_NUMBER_SIZE, 0) != SIGNIFY_NUMBER_SIZE)
		return error_set(err, -EIO, 1, "the kernel has no random numbers");
	if (!derive_public(&key)) {
		secret_key_done(&key);
		return error_set(err, -EIO, 1, "libcrypto cannot make an ed25519 key");
	}
	memcpy(key.bytes + SIGNIFY_PUBLIC_SIZE, key.pub.bytes, SIGNIFY_PUBLIC_SIZE);
	key.pub.name = xstrdup(name);
	*ret = key;
	return 0;
}

static int write_new(
	const char *path, const struct str *text, mode_t mode, struct error *err)
{
	int r = path_look(path);

	if (r == 0)
		return file_write(path, text->data, text->len, mode, err);
	return r > 0 ? error_set(err, -EEXIST, 1, "%s exists already", path)
		     : error_errno(err, r, 1, "cannot look at %s", path);
}

int signify_write_secret(const char *path, const struct secret_key *key, struct error *err)
{
	_cleanup_free_ char *comment = xasprintf("%s secret key", key->pub.name);
	struct secret_bytes bytes = {.algorithm = ALGORITHM, .encryption = ENCRYPTION};
	struct str text = {.data = xcalloc(1, FILE_MAX), .room = FILE_MAX};
	int r;

	memcpy(bytes.number, key->pub.number, sizeof(bytes.number));
	memcpy(bytes.bytes, key->bytes, sizeof(bytes.bytes));
	if (fill_checksum(key, bytes.checksum)) {
		add_lines(&text, comment, &bytes, sizeof(bytes));
		r = write_new(path, &text, 0600, err);
	} else {
		r = error_set(err, -EIO, 1, "libcrypto cannot make a checksum");
	}
	explicit_bzero(&bytes, sizeof(bytes));
	explicit_bzero(text.data, text.len);
	str_done(&text);
	return r;
}

int signify_write_public(const char *path, const struct public_key *key, struct error *err)
{
	_cleanup_free_ char *comment = xasprintf("%s public key", key->name);
	_cleanup_(str_done) struct str text = {0};
	struct public_bytes bytes = {.algorithm = ALGORITHM};

	memcpy(bytes.number, key->number, sizeof(bytes.number));
	memcpy(bytes.bytes, key->bytes, sizeof(bytes.bytes));
	add_lines(&text, comment, &bytes, sizeof(bytes));
	return write_new(path, &text, 0644, err);
}

/* Reads a key file that others cannot have written, and none of the modes in hidden. */
static int read_key_file(
	const char *path, mode_t hidden, void *ret, size_t n, struct error *err)
{
	_cleanup_(str_done) struct str text = {0};
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = libcrypto_load(err);

	if (r < 0)
		return r;
	fd = file_open(path);
	if (fd < 0)
		return file_open_error(path, fd, err);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, 1, "cannot read %s", path);
	if (!trust_is_own(&st))
		return error_set(err, -EPERM, 1, "users other than root may change %s", path);
	if (st.st_mode & hidden)
		return error_set(err, -EPERM, 1, "users other than its owner may read %s", path);
	r = file_read_fd(fd, FILE_MAX, &text);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", path);
	if (text.len && read_lines(text.data, text.len, ret, n) == text.len)
		r = 0;
	else
		r = error_set(err, -EBADMSG, 1, "%s is no key in signify's format", path);
	if (text.data)
		explicit_bzero(text.data, text.len);
	return r;
}

/* Returns the name of a key: that of its file without the suffix. */
static char *key_name(const char *path, const char *suffix)
{
	const char *base = path_base(path);

	return has_suffix(base, suffix) ? xstrndup(base, strlen(base) - strlen(suffix))
					: xstrdup(base);
}

int signify_read_secret(const char *path, struct secret_key *ret, struct error *err)
{
	struct secret_key key = {0};
	unsigned char checksum[CHECKSUM_SIZE];
	struct secret_bytes bytes;
	int r = read_key_file(path, S_IRWXG | S_IRWXO, &bytes, sizeof(bytes), err);

	if (r < 0)
		return r;
	if (bytes.rounds != 0)
		r = error_set(err, -EBADMSG, 1,
			"%s is encrypted; make one without a passphrase by dkms remote "
			"keygen or signify -n",
			path);
	memcpy(key.bytes, bytes.bytes, sizeof(key.bytes));
	memcpy(key.pub.number, bytes.number, sizeof(key.pub.number));
	if (r == 0 &&
		(memcmp(bytes.algorithm, ALGORITHM, 2) != 0 ||
			memcmp(bytes.encryption, ENCRYPTION, 2) != 0 ||
			!fill_checksum(&key, checksum) ||
			memcmp(checksum, bytes.checksum, CHECKSUM_SIZE) != 0 ||
			!derive_public(&key) ||
			memcmp(key.pub.bytes, key.bytes + SIGNIFY_PUBLIC_SIZE,
				SIGNIFY_PUBLIC_SIZE) != 0))
		r = error_set(err, -EBADMSG, 1, "%s is damaged", path);
	explicit_bzero(&bytes, sizeof(bytes));
	if (r < 0) {
		secret_key_done(&key);
		return r;
	}
	key.pub.name = key_name(path, ".sec");
	*ret = key;
	explicit_bzero(&key, sizeof(key));
	return 0;
}

int signify_read_public(const char *path, struct public_key *ret, struct error *err)
{
	struct public_bytes bytes;
	int r = read_key_file(path, 0, &bytes, sizeof(bytes), err);

	if (r < 0)
		return r;
	if (memcmp(bytes.algorithm, ALGORITHM, 2) != 0)
		return error_set(err, -EBADMSG, 1, "%s is no ed25519 key", path);
	*ret = (struct public_key){.name = key_name(path, ".pub")};
	memcpy(ret->number, bytes.number, sizeof(ret->number));
	memcpy(ret->bytes, bytes.bytes, sizeof(ret->bytes));
	return 0;
}

static bool has_key(const struct public_key *keys, size_t n, const struct public_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(keys[i].bytes, key->bytes, sizeof(key->bytes)) == 0)
			return true;
	return false;
}

int signify_read_keys(
	const char *dir, struct public_key **ret, size_t *ret_n, struct error *err)
{
	_cleanup_(strv_done) struct strv names = {0};
	struct public_key *keys;
	size_t n = 0;
	int r = dir_list(dir, &names);

	*ret = NULL;
	*ret_n = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", dir);
	r = trust_check_top(dir, err);
	if (r < 0)
		return r;
	keys = xcalloc(names.n + 1, sizeof(*keys));
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (*names.items[i] == '.' || !has_suffix(names.items[i], ".pub"))
			continue;
		r = signify_read_public(path, &keys[n], err);
		if (r == 0 && has_key(keys, n, &keys[n]))
			public_key_done(&keys[n]);
		else
			n += r == 0;
	}
	if (r < 0) {
		signify_free_keys(keys, n);
		return r;
	}
	*ret = keys;
	*ret_n = n;
	return 0;
}

void signify_free_keys(struct public_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		public_key_done(&keys[i]);
	free(keys);
}

int signify_sign(const struct secret_key *key, const void *message, size_t n,
	struct str *ret, struct error *err)
{
	_cleanup_free_ char *comment = xasprintf("verify with %s.pub", key->pub.name);
	struct signature_bytes bytes = {.algorithm = ALGORITHM};
	EVP_PKEY *pkey = sym_EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, key->bytes, SIGNIFY_PUBLIC_SIZE);
	EVP_MD_CTX *ctx = sym_EVP_MD_CTX_new();
	size_t size = SIGNATURE_SIZE;
	bool good = pkey && ctx &&
		    sym_EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    sym_EVP_DigestSign(ctx, bytes.bytes, &size, message, n) == 1 &&
		    size == SIGNATURE_SIZE;

	sym_EVP_MD_CTX_free(ctx);
	sym_EVP_PKEY_free(pkey);
	sym_ERR_clear_error();
	if (!good)
		return error_set(err, -EIO, 1, "libcrypto cannot sign with ed25519");
	memcpy(bytes.number, key->pub.number, sizeof(bytes.number));
	add_lines(ret, comment, &bytes, sizeof(bytes));
	return 0;
}

bool signify_verify(const struct public_key *key, const char *text, size_t n,
	const void *message, size_t message_n)
{
	struct signature_bytes bytes;
	EVP_MD_CTX *ctx;
	EVP_PKEY *pkey;
	bool good;

	if (libcrypto_load(NULL) < 0 || !read_lines(text, n, &bytes, sizeof(bytes)) ||
		memcmp(bytes.algorithm, ALGORITHM, 2) != 0 ||
		memcmp(bytes.number, key->number, sizeof(bytes.number)) != 0)
		return false;
	pkey = sym_EVP_PKEY_new_raw_public_key(
		EVP_PKEY_ED25519, NULL, key->bytes, SIGNIFY_PUBLIC_SIZE);
	ctx = sym_EVP_MD_CTX_new();
	good = pkey && ctx &&
	       sym_EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	       sym_EVP_DigestVerify(ctx, bytes.bytes, SIGNATURE_SIZE, message, message_n) ==
		       1;
	sym_EVP_MD_CTX_free(ctx);
	sym_EVP_PKEY_free(pkey);
	sym_ERR_clear_error();
	return good;
}

size_t signify_signature_length(const char *text, size_t n)
{
	struct signature_bytes bytes;

	return libcrypto_load(NULL) < 0 ? 0 : read_lines(text, n, &bytes, sizeof(bytes));
}
