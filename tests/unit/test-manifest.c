/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "cache/manifest.h"
#include "tests/unit/tap.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char text[] = "dkms manifest 1\n"
			   "dir " A " /usr/lib/python3\n"
			   "fact " A " processor\n"
			   "file " B " /usr/bin/gcc-12\n"
			   "file " A " /usr/bin/odd\\040name\\012\\134\n"
			   "link /usr/bin/gcc-12 /usr/bin/cc\n"
			   "program /usr/bin/gcc-12 cc\n"
			   "program - pahole\n"
			   "input " A " /usr/src/kernel/Makefile\n"
			   "end\n";

static void test_text(void)
{
	struct str again = {0};
	struct manifest m;

	is_int(manifest_parse(text, strlen(text), &m), 0, "a text is parsed");
	is_int((long)m.n, 8, "the number of items");
	is(m.items[3].path, "/usr/bin/odd name\n\\", "a path with a newline");
	is(manifest_find(&m, MANIFEST_LINK, "/usr/bin/cc"), "/usr/bin/gcc-12", "a link is found");
	is(manifest_find(&m, MANIFEST_FILE, "/usr/bin/gcc-12"), B, "a file is found");
	ok(!manifest_find(&m, MANIFEST_INPUT, "/usr/bin/gcc-12"), "not as another kind");
	ok(!manifest_find(&m, MANIFEST_PROGRAM, "perl"), "nor under another name");
	is_int(manifest_write(&m, &again), 0, "the manifest is written");
	is(again.data, text, "the text is the same");
	str_done(&again);
	manifest_done(&m);
}

static void test_sort(void)
{
	struct str out = {0};
	struct manifest m = {0};

	manifest_add(&m, MANIFEST_FILE, "/b", A);
	manifest_add(&m, MANIFEST_FACT, "processor", A);
	manifest_add(&m, MANIFEST_FILE, "/a", A);
	manifest_add(&m, MANIFEST_FILE, "/b", A);
	manifest_sort(&m);
	is_int((long)m.n, 3, "equal items are one item");
	manifest_write(&m, &out);
	is(out.data, "dkms manifest 1\nfact " A " processor\nfile " A " /a\nfile " A " /b\nend\n",
		"items are sorted");
	str_done(&out);
	manifest_done(&m);
}

static void test_malformed(void)
{
	static const char *const bad[] = {"", "\n", "dkms manifest 1", "dkms manifest 1\n",
		"dkms manifest 2\nend\n", "dkms manifest 1\nend", "dkms manifest 1\nend\n\n",
		"dkms manifest 1\nfile\nend\n", "dkms manifest 1\nfile " A "\nend\n",
		"dkms manifest 1\nfile " A " b\nend\n", "dkms manifest 1\nfile 12 /b\nend\n",
		"dkms manifest 1\nfile " A " /b c\nend\n",
		"dkms manifest 1\nfile " A " /b\\4\nend\n",
		"dkms manifest 1\nfile " A " /b\\000\nend\n",
		"dkms manifest 1\nlink  /b\nend\n", "dkms manifest 1\nother " A " /b\nend\n",
		"dkms manifest 1\nfile " A " /b\nfile " A " /a\nend\n",
		"dkms manifest 1\nfile " A " /b\nfile " A " /b\nend\n",
		"dkms manifest 1\n\nend\n"};
	struct manifest m;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(manifest_parse(bad[i], strlen(bad[i]), &m) == -EBADMSG,
			"malformed text %zu is rejected", i);
	is_int(manifest_parse("dkms manifest 1\nend\n\0", 21, &m), -EBADMSG,
		"a NUL is rejected");
}

static void test_limit(void)
{
	struct str large = {0}, out = {0};
	struct manifest m = {0};

	str_add(&large, "dkms manifest 1\n");
	for (int i = 0; i <= MANIFEST_MAX; i++) {
		str_addf(&large, "file " A " /%07d\n", i);
		manifest_add(&m, MANIFEST_FACT, "processor", A);
	}
	str_add(&large, "end\n");
	is_int(manifest_write(&m, &out), -E2BIG, "too many items are not written");
	manifest_done(&m);
	is_int(manifest_parse(large.data, large.len, &m), -EBADMSG, "nor read");
	str_done(&large);
	str_done(&out);
}

int main(void)
{
	test_text();
	test_sort();
	test_malformed();
	test_limit();
	return done_testing();
}
