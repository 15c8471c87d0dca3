/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What travels between machines: keys and signatures, action results, signed texts, packs. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/libcrypto.h"
#include "cache/remote/action-result.h"
#include "cache/remote/pack.h"
#include "cache/remote/signify.h"
#include "tests/unit/tap.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char dir[] = "/tmp/dkms-test.XXXXXX";

/* Returns the path of a file in the directory of the test; the caller frees. */
static char *in_dir(const char *name)
{
	return path_join(dir, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_dir(name);

	if (file_write(path, text, strlen(text), 0600, NULL) < 0)
		ok(false, "write %s", path);
}

/* Runs a command in the directory of the test; returns whether it succeeds. */
static bool shell(const char *command)
{
	_cleanup_free_ char *line = xasprintf("cd %s && { %s; } >/dev/null 2>&1", dir, command);

	return system(line) == 0;
}

static void test_keys(void)
{
	_cleanup_free_ char *sec = in_dir("a.sec"), *pub = in_dir("a.pub");
	_cleanup_free_ char *missing = in_dir("missing"), *keys_dir = in_dir("keys");
	_cleanup_free_ char *other = in_dir("other.pub");
	struct secret_key made, made_too, read;
	struct public_key public, *keys;
	struct error err = {0};
	struct stat st;
	size_t n;

	is_int(signify_make_key("a", &made, NULL), 0, "a key is made");
	is_int(signify_write_secret(sec, &made, NULL), 0, "the secret key is written");
	is_int(signify_write_public(pub, &made.pub, NULL), 0, "the public key is written");
	is_int(signify_write_secret(sec, &made, NULL), -EEXIST, "no key is overwritten");
	stat(sec, &st);
	is_int(st.st_mode & 07777, 0600, "only its owner may read the secret key");
	is_int(signify_read_secret(sec, &read, NULL), 0, "the secret key is read");
	ok(memcmp(made.bytes, read.bytes, sizeof(made.bytes)) == 0 &&
			memcmp(made.pub.bytes, read.pub.bytes, sizeof(made.pub.bytes)) == 0,
		"it is the same");
	is_int(signify_read_public(pub, &public, NULL), 0, "the public key is read");
	ok(memcmp(made.pub.bytes, public.bytes, sizeof(public.bytes)) == 0 &&
			memcmp(made.pub.number, public.number, sizeof(public.number)) == 0,
		"it is the same");
	is(public.name, "a", "it has the name of its file");
	chmod(sec, 0640);
	secret_key_done(&read);
	is_int(signify_read_secret(sec, &read, NULL), -EPERM,
		"a secret key that others may read is not read");
	chmod(sec, 0600);
	chmod(pub, 0666);
	is_int(signify_read_public(pub, &public, &err), -EPERM,
		"a public key that others may write is not read");
	error_done(&err);
	chmod(pub, 0644);
	is_int(signify_read_public(sec, &public, NULL), -EBADMSG, "a secret key is no public one");
	is_int(signify_read_public(missing, &public, NULL), -ENOENT, "a missing key");
	is_int(signify_read_keys(keys_dir, &keys, &n, NULL), 0, "a missing directory of keys");
	is_int((long)n, 0, "has no keys");
	signify_make_key("other", &made_too, NULL);
	signify_write_public(other, &made_too.pub, NULL);
	ok(shell("mkdir -m 755 keys && cp -p other.pub keys/b.pub && cp -p a.pub keys/a.pub && "
		 "cp -p a.pub keys/a2.pub && touch keys/README"),
		"a directory of keys is made");
	is_int(signify_read_keys(keys_dir, &keys, &n, NULL), 0, "it is read");
	is_int((long)n, 2, "with the files that are keys, and one key once");
	is(n == 2 ? keys[1].name : "", "b", "in the order of their names");
	signify_free_keys(keys, n);
	ok(shell("chmod 777 keys"), "others may write to the directory");
	is_int(signify_read_keys(keys_dir, &keys, &n, NULL), -EPERM, "its keys are not read");
	public_key_done(&public);
	secret_key_done(&made);
	secret_key_done(&made_too);
}

static void test_signatures(void)
{
	static const char message[] = "what is signed\n";
	_cleanup_(str_done) struct str text = {0};
	struct secret_key one, two;
	size_t n = strlen(message);

	signify_make_key("one", &one, NULL);
	signify_make_key("two", &two, NULL);
	is_int(signify_sign(&one, message, n, &text, NULL), 0, "a message is signed");
	ok(has_prefix(text.data, "untrusted comment: verify with one.pub\n"), "with a comment");
	is_int((long)signify_signature_length(text.data, text.len), (long)text.len,
		"the length of the signature");
	ok(signify_verify(&one.pub, text.data, text.len, message, n), "it is verified");
	ok(!signify_verify(&one.pub, text.data, text.len, message, n - 1),
		"not for another message");
	ok(!signify_verify(&two.pub, text.data, text.len, message, n), "not with another key");
	memcpy(two.pub.number, one.pub.number, sizeof(two.pub.number));
	ok(!signify_verify(&two.pub, text.data, text.len, message, n),
		"not with another key of that number");
	ok(!signify_verify(&one.pub, text.data, text.len - 1, message, n), "not if it is cut off");
	for (size_t i = strcspn(text.data, "\n") + 1; i < text.len; i++) {
		char old = text.data[i];

		text.data[i] = old == 'A' ? 'B' : 'A';
		if (signify_verify(&one.pub, text.data, text.len, message, n))
			ok(false, "byte %zu can be changed", i);
		text.data[i] = old;
	}
	ok(signify_verify(&one.pub, text.data, text.len, message, n),
		"no byte of it can be changed");
	secret_key_done(&one);
	secret_key_done(&two);
}

/* What signify-openbsd says of our keys and signatures, and we of its. */
static void test_signify(void)
{
	static const char message[] = "what is signed\n";
	_cleanup_free_ char *sec = in_dir("theirs.sec"), *pub = in_dir("theirs.pub");
	_cleanup_free_ char *sig = in_dir("m.theirs.sig"), *encrypted = in_dir("encrypted.sec");
	_cleanup_(str_done) struct str text = {0}, read = {0};
	struct secret_key ours, theirs;

	if (!shell("command -v signify-openbsd")) {
		ok(true, "signify-openbsd # SKIP is not installed");
		return;
	}
	put("m", message);
	signify_make_key("ours", &ours, NULL);
	{
		_cleanup_free_ char *path = in_dir("ours.pub"), *own = in_dir("ours.sec");

		signify_write_public(path, &ours.pub, NULL);
		signify_write_secret(own, &ours, NULL);
	}
	signify_sign(&ours, message, strlen(message), &text, NULL);
	put("m.sig", text.data);
	ok(shell("signify-openbsd -V -p ours.pub -m m"), "signify verifies our signature");
	str_add(&text, message);
	put("embedded", text.data);
	ok(shell("signify-openbsd -V -e -p ours.pub -x embedded -m out && cmp m out"),
		"and one that the message follows");
	ok(shell("echo >> m && ! signify-openbsd -V -p ours.pub -m m"), "of that message only");
	put("m", message);
	ok(shell("signify-openbsd -S -s ours.sec -m m -x m.sig2 && "
		 "signify-openbsd -V -p ours.pub -m m -x m.sig2"),
		"signify signs with our key");
	ok(shell("signify-openbsd -G -n -p theirs.pub -s theirs.sec && chmod 600 theirs.sec && "
		 "chmod 644 theirs.pub && signify-openbsd -S -s theirs.sec -m m -x m.theirs.sig"),
		"signify makes a key and signs with it");
	is_int(signify_read_secret(sec, &theirs, NULL), 0, "we read its secret key");
	file_read(sig, 4096, &read, NULL);
	ok(signify_verify(&theirs.pub, read.data, read.len, message, strlen(message)),
		"we verify its signature");
	public_key_done(&theirs.pub);
	is_int(signify_read_public(pub, &theirs.pub, NULL), 0, "we read its public key");
	ok(signify_verify(&theirs.pub, read.data, read.len, message, strlen(message)),
		"we verify its signature with that");
	ok(shell("sed '2s/^RWRCSwAAAA/RWRCSwAAAB/' theirs.sec > encrypted.sec && "
		 "chmod 600 encrypted.sec && ! cmp -s theirs.sec encrypted.sec"),
		"a key that says that it is encrypted");
	is_int(signify_read_secret(encrypted, &ours, NULL), -EBADMSG, "is not read");
	secret_key_done(&theirs);
	secret_key_done(&ours);
}

static void test_action_result(void)
{
	_cleanup_(str_done) struct str text = {0};
	/* execution_metadata 9 { worker 1 "w" } and a field of the future, 100 = 7 */
	static const char added[] = "\x4a\x03\x0a\x01w\xa0\x06\x07";
	/* a file without a digest; a length that is too large; a varint that does not end */
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {{"\x12\x03\x0a\x01p", 5}, {"\x2a\x05x", 3}, {"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},
		{"\x28\x01", 2}, {"\x03", 1}, {"\x80", 1}, {"\x02\x00", 2}};
	struct action_result a = {.n_files = 2}, b = {0};

	str_add(&a.out, "signed");
	a.files[0] = (struct output_blob){.path = xstrdup("record"), .size = 300};
	digest_parse(A, &a.files[0].digest);
	a.files[1] = (struct output_blob){.path = xstrdup("pack"), .size = 5};
	digest_parse(B, &a.files[1].digest);
	str_add_bytes(&a.files[1].contents, "a\0b\nc", 5);
	action_result_write(&a, &text);
	is_int(action_result_parse(text.data, text.len, &b), 0, "an action result is read");
	is_int((long)b.n_files, 2, "with its files");
	is(b.files[1].path, "pack", "a path");
	ok(digest_equal(&b.files[1].digest, &a.files[1].digest), "a digest");
	ok(b.files[1].size == 5 && b.files[0].size == 300, "sizes");
	ok(b.files[1].contents.len == 5 && memcmp(b.files[1].contents.data, "a\0b\nc", 5) == 0,
		"contents");
	ok(!b.files[0].contents.len, "a file that is elsewhere");
	is(b.out.data, "signed", "the output");
	ok(action_result_file(&b, "pack") == &b.files[1] && !action_result_file(&b, "p"),
		"a file is found by its path");
	action_result_done(&b);
	for (size_t i = 1; i < text.len; i++)
		if (action_result_parse(text.data, i, &b) == 0)
			action_result_done(&b);
	ok(true, "it can be cut off anywhere");
	str_add_bytes(&text, added, sizeof(added) - 1);
	is_int(action_result_parse(text.data, text.len, &b), 0, "a server may add fields");
	is(b.out.data, "signed", "the output is still there");
	action_result_done(&b);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		is_int(action_result_parse(bad[i].bytes, bad[i].n, &b), -EBADMSG, "a bad message");
	action_result_done(&a);
}

static const char text[] = "dkms remote 1\n"
			   "key " A "\n"
			   "signer " B "\n"
			   "slot 3\n"
			   "made 1764500000 1300\n"
			   "by build1\n"
			   "title acpi-call/1.2.2 6.1.0-56-amd64 x86_64\n"
			   "part " A " format\n"
			   "record " A " 1000 2000\n"
			   "text " B " 2000 manifest\n"
			   "pack " A " 6000 20300\n"
			   "file " B " 18000 module/acpi_call.ko\n"
			   "file " A " 300 make.log\n"
			   "text " B " 2000 inputs\n"
			   "end\n";

/* Parses the text with one part of it replaced. */
static int parse_with(const char *old, const char *new)
{
	const char *at = strstr(text, old);
	struct signed_text t;
	_cleanup_(str_done) struct str s = {0};
	int r;

	if (!at)
		ok(false, "%s is in the text", old);
	str_add_bytes(&s, text, (size_t)(at - text));
	str_add(&s, new);
	str_add(&s, at + strlen(old));
	r = signed_text_parse(s.data, s.len, &t);
	if (r == 0)
		signed_text_done(&t);
	return r;
}

static void test_signed_text(void)
{
	static const char *const bad[][2] = {{"slot 3", "slot 8"}, {"slot 3", "slot 03"},
		{"1300", "-1"}, {"remote 1", "remote 2"}, {"end\n", "end"},
		{"end\n", "end\nx\n"}, {"by build1", "by \033[1m"}, {" 2000\ntext", " 1999\ntext"},
		{" 2000\ntext", " 2001\ntext"}, {"20300", "99999999999999"},
		{"module/acpi", "../acpi"}, {"module/acpi", "/acpi"}, {"module/acpi", "a/../b"},
		{"make.log", "module/acpi_call.ko"}, {"slot 3\n", ""},
		{"file " A " 300 make.log\ntext " B " 2000 inputs",
			"text " B " 2000 inputs\nfile " A " 300 make.log"},
		{"key a", "key A"}, {"key a", "key  a"}};
	_cleanup_(str_done) struct str again = {0};
	struct signed_text t;
	char *one, *two;

	is_int(signed_text_parse(text, strlen(text), &t), 0, "a signed text is read");
	is_int((long)t.slot, 3, "the slot");
	is(t.by, "build1", "who made it");
	is_int((long)t.record.n_files, 1, "the files of the record");
	is_int((long)t.pack.n_files, 3, "the files of the pack");
	is_int((long)t.pack.n_results, 2, "those that are results");
	is(t.pack.files[0].name, "module/acpi_call.ko", "the name of a file");
	signed_text_write(&t, &again);
	is(again.data, text, "it is written as it was");
	is_int(parse_with("slot 3", "slot 4"), 0, "the slot can be another one");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(parse_with(bad[i][0], bad[i][1]) == -EBADMSG, "not: %zu", i);
	is_int(signed_text_parse(text, strlen(text) - 1, &t), -EBADMSG, "not if it is cut off");
	digest_parse(A, &t.key);
	one = signed_text_path(&t.key, t.signer, 0);
	two = signed_text_path(&t.key, t.signer, 1);
	ok(has_prefix(one, "ac/") && strlen(one) == 3 + 64, "the path of a result");
	ok(!streq(one, two), "each slot has one");
	t.signer[0] ^= 1;
	free(two);
	two = signed_text_path(&t.key, t.signer, 0);
	ok(!streq(one, two), "and each signer");
	free(one);
	free(two);
	signed_text_done(&t);
}

/* Adds a file with n bytes to the store and to the pack. */
static void add_file(struct store *s, struct signed_pack *p, const char *name, size_t n)
{
	_cleanup_free_ char *bytes = xcalloc(n + 1, 1);
	struct entry_file *file;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * i >> 7);
	p->files = xrealloc_array(p->files, p->n_files + 1, sizeof(*p->files));
	file = &p->files[p->n_files++];
	*file = (struct entry_file){.name = xstrdup(name), .size = n};
	digest_bytes(bytes, n, &file->digest);
	store_put_bytes(s, bytes, n, &file->digest);
}

/* Unpacks bytes as what is signed, whatever their digest is. */
static int unpack(struct store *s, struct signed_pack *p, const char *bytes, size_t n)
{
	p->size = n;
	digest_bytes(bytes, n, &p->digest);
	return pack_unpack(s, p, bytes, n);
}

static void test_pack(void)
{
	_cleanup_free_ char *one = in_dir("store1"), *two = in_dir("store2");
	_cleanup_(str_done) struct str bytes = {0}, log = {0};
	struct signed_text t = {0};
	struct signed_pack *p = &t.pack;
	struct store *from, *to;

	is_int(store_open(one, &from, NULL), 0, "a store is opened");
	is_int(store_open(two, &to, NULL), 0, "another store is opened");
	add_file(from, p, "a", 300000);
	add_file(from, p, "empty", 0);
	add_file(from, p, "b", 17);
	is_int(pack_make(from, p, &bytes), 0, "a pack is made");
	is_int((long)p->unpacked, 300017, "the size of its files");
	ok(p->size == bytes.len && p->size < 200000, "it is compressed");
	bytes.data[bytes.len - 1] ^= 1;
	is_int(pack_unpack(to, p, bytes.data, bytes.len), -EBADMSG, "a flipped bit is noticed");
	bytes.data[bytes.len - 1] ^= 1;
	p->digest.bytes[0] ^= 1;
	is_int(pack_unpack(to, p, bytes.data, bytes.len), -EBADMSG,
		"a pack with another digest is refused");
	ok(!store_has(to, &p->files[0].digest), "before anything is unpacked");
	p->digest.bytes[0] ^= 1;
	is_int(pack_unpack(to, p, bytes.data, bytes.len - 1), -EBADMSG, "so is a cut");
	is_int(pack_unpack(to, p, bytes.data, bytes.len), 0, "the pack is unpacked");
	ok(store_has(to, &p->files[0].digest) && store_has(to, &p->files[1].digest) &&
			store_get_bytes(to, &p->files[2].digest, &log) == 0 && log.len == 17,
		"its files are in the other store");
	is_int(unpack(to, p, bytes.data, bytes.len - 1), -EBADMSG, "a signed pack that is cut off");
	str_add(&bytes, "x");
	is_int(unpack(to, p, bytes.data, bytes.len), -EBADMSG, "one with something behind it");
	bytes.len--;
	p->files[0].size--;
	is_int(unpack(to, p, bytes.data, bytes.len), -EBADMSG, "a file of another size");
	p->files[0].size++;
	p->files[2].digest.bytes[0] ^= 1;
	is_int(unpack(to, p, bytes.data, bytes.len), -EBADMSG, "a file with another digest");
	ok(!store_has(to, &p->files[2].digest), "is not in the store");
	p->files[2].digest.bytes[0] ^= 1;
	p->n_files--;
	is_int(unpack(to, p, bytes.data, bytes.len), -EBADMSG, "more than the files: a bomb");
	is_int(unpack(to, p, "not zstd", 8), -EBADMSG, "something else");
	p->n_files++;
	p->files[0].size = SIGNED_UNPACKED_MAX;
	is_int(pack_make(from, p, &bytes), -EFBIG, "a pack that is too large is not made");
	signed_text_done(&t);
	store_close(from);
	store_close(to);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_keys();
	test_signatures();
	test_signify();
	test_action_result();
	test_signed_text();
	test_pack();
	dir_remove(dir, NULL);
	return done_testing();
}
