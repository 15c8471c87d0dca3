/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>

#include "base/file.h"
#include "cache/digest.h"
#include "cache/key.h"
#include "tests/unit/tap.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_digest(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "file");
	char hex[DIGEST_HEX], *big = xcalloc(1, 200000);
	struct digest a, b;
	struct digester d;
	static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000};
	bool same = true;
	int fd;

	digest_bytes("", 0, &a);
	digest_hex(&a, hex);
	is(hex, EMPTY, "SHA-256 of an empty file");
	ok(digest_parse(hex, &b) && digest_equal(&a, &b),
		"a digest is converted to text and back");
	ok(digest_parse(EMPTY " and more", &b), "text after a digest is ignored");
	ok(!digest_parse("E3b0", &b) && !digest_parse("", &b),
		"text that is no digest is refused");
	memset(big, 'x', 200000);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		file_write(path, big, sizes[i], 0644, NULL);
		digest_bytes(big, sizes[i], &a);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		same = digest_fd(fd, UINT64_MAX, &b) == 0 && digest_equal(&a, &b) && same;
		close(fd);
	}
	ok(same, "a file has the digest of its bytes, for all sizes");
	digester_begin(&d);
	digester_add(&d, big, 70000);
	digester_add(&d, big, 130000);
	digester_end(&d, &b);
	ok(digest_equal(&a, &b), "a file can be read in pieces");
	fd = open(dir, O_RDONLY | O_CLOEXEC);
	ok(digest_fd(fd, UINT64_MAX, &b) < 0, "a directory cannot be read");
	close(fd);
	free(big);
}

/* Returns the digest of a key with two parts. */
static struct digest of(const char *name1, const char *detail1, const char *name2,
	const char *detail2)
{
	struct key k = {0};
	struct digest d;

	key_add(&k, name1, detail1, strlen(detail1));
	if (name2)
		key_add(&k, name2, detail2, strlen(detail2));
	key_digest(&k, &d);
	key_done(&k);
	return d;
}

static bool same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

static void test_key(void)
{
	struct str text = {0};
	struct key k = {0};
	struct digest d, shared;

	ok(same(of("a", "b", "c", "d"), of("a", "b", "c", "d")),
		"the same parts give the same key");
	ok(!same(of("a", "b", "c", "d"), of("c", "d", "a", "b")),
		"the order of parts matters");
	ok(!same(of("a", "bc", NULL, NULL), of("ab", "c", NULL, NULL)),
		"name and detail are kept apart");
	ok(!same(of("a", "b", "c", ""), of("a", "bc", NULL, NULL)),
		"parts are kept apart");
	ok(!same(of("a", "", NULL, NULL), of("a", "", "", "")), "an empty part counts");
	str_add(&text, "b");
	digest_bytes(text.data, text.len, &d);
	key_add_shared(&k, "a", &text, &d);
	key_digest(&k, &shared);
	ok(same(shared, of("a", "b", NULL, NULL)),
		"a part that is shared by keys gives the same key");
	key_done(&k);
	str_done(&text);
}

int main(void)
{
	char dir[] = "/tmp/dkms-test.XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	test_digest(dir);
	test_key();
	dir_remove(dir, NULL);
	return done_testing();
}
