/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/unit/tap.h"

static void test_strings(void)
{
	struct str s = {0};
	struct strv v = {0};
	char *joined;

	str_add_quoted(&s, "plain-1.0");
	str_add(&s, " ");
	str_add_quoted(&s, "it's");
	is(s.data, "plain-1.0 'it'\\''s'", "quoting for a shell");
	str_done(&s);

	strv_split(&v, "  b a\tc\n");
	strv_sort(&v);
	strv_insert(&v, 1, "x");
	joined = strv_join(&v, ",");
	is(joined, "a,x,b,c", "split, sort, insert, join");
	free(joined);
	ok(!v.items[v.n], "a list ends in NULL");
	strv_done(&v);
	strv_sort_unique(&v);
	is_int((long)v.n, 0, "an empty list sorted");
	strv_split(&v, "b a b c a b");
	strv_sort_unique(&v);
	joined = strv_join(&v, ",");
	is(joined, "a,b,c", "sorted, each once");
	free(joined);
	ok(!v.items[v.n], "which ends in NULL");
	strv_done(&v);

	for (int i = 0; i < 1000; i++)
		strv_pushf(&v, "N%d=%d", i, i);
	is(strv_getenv(&v, "N999"), "999", "the last of 1,000 variables");
	strv_setenv(&v, "N500", NULL);
	is(strv_getenv(&v, "N500"), NULL, "a removed variable");
	strv_setenv(&v, "N999", "x");
	is(strv_getenv(&v, "N999"), "x", "a replaced variable");
	is_int((long)v.n, 999, "how many are left");
	strv_done(&v);
}

static void test_errors(void)
{
	struct error e = {0}, first = {0};

	is_int(error_set(&e, -EINVAL, 8, "bad %s", "conf"), -EINVAL, "the code passes through");
	error_set(&e, -EIO, 1, "later");
	is(e.what, "bad conf", "the first cause wins");
	is_int(e.status, 8, "its status");
	error_move(&first, &e);
	ok(!e.what && first.status == 8, "an error moves");
	is_int(error_set(NULL, -EIO, 1, "nobody asks"), -EIO, "NULL takes no text");
	error_done(&first);
}

static void test_paths(void)
{
	ok(path_is_below("/a/b/c", "/a/b"), "below a directory");
	ok(!path_is_below("/a/bc", "/a/b"), "not behind a name that only begins so");
	ok(!path_is_below("/a/b", "/a/b"), "nor is the directory itself below");
	ok(path_is_in("/a/b", "/a/b") && path_is_in("/a/b/c", "/a/b"), "but in it");
	ok(!path_is_in("/a", "/a/b"), "what is above is not");
}

static void test_files(void)
{
	char root[] = "/tmp/dkms-test-XXXXXX";
	char *a, *b, *file, *link, *inside, *target = NULL;
	struct error e = {0};
	struct str s = {0};
	struct strv names = {0};
	struct stat st;

	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return;
	a = path_join(root, "a/b/c");
	is_int(dir_make(a, &e), 0, "make a directory with its parents");
	file = path_join(a, "file");
	is_int(file_write(file, "one\0two", 7, 0755, &e), 0, "write a file");
	is_int(file_read(file, 100, &s, &e), 0, "read it");
	ok(s.len == 7 && memcmp(s.data, "one\0two", 7) == 0, "the bytes are the same");
	str_done(&s);
	is_int(file_read(file, 6, &s, NULL), -EFBIG, "a file over the limit");
	link = path_join(a, "link");
	is_int(link_write(link, "file", &e), 0, "make a link");
	is_int(link_write(link, "./file", &e), 0, "replace a link");
	is_int(link_read(link, &target), 0, "read a link");
	is(target, "./file", "its target");

	b = path_join(root, "copy");
	free(a);
	a = path_join(root, "a");
	is_int(dir_copy(a, b, (uid_t)-1, (gid_t)-1, &e), 0, "copy a directory");
	free(file);
	file = path_join(b, "b/c/file");
	ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0755, "with modes");
	free(link);
	link = path_join(b, "b/c/link");
	ok(lstat(link, &st) == 0 && S_ISLNK(st.st_mode), "with links as links");
	is_int(file_same(file, link), 1, "the same bytes");
	is_int(dir_list(root, &names), 0, "list a directory");
	ok(names.n == 2 && streq(names.items[0], "a"), "no temporary name is left");
	is_int(dir_copy(a, b, (uid_t)-1, (gid_t)-1, &e), -EEXIST, "no copy over another");
	ok(e.what && strstr(e.what, "copy"), "and the error names it: %s", e.what);
	inside = path_join(a, "b/copy");
	is_int(dir_copy(a, inside, (uid_t)-1, (gid_t)-1, NULL), -ELOOP, "no copy into itself");
	is_int(dir_copy("/", inside, (uid_t)-1, (gid_t)-1, NULL), -ELOOP, "nor of the root");
	is_int(dir_remove(b, NULL), 0, "remove a directory");
	ok(!path_exists(b), "it is gone");
	is_int(dir_remove(b, NULL), 0, "removing what is not there");

	free(file);
	file = path_join(a, "b/c/file");
	unlink(file);
	free(link);
	link = path_join(a, "b/c/link");
	unlink(link);
	free(b);
	b = path_join(a, "b/c");
	dir_prune(b, root);
	ok(!path_exists(a) && path_exists(root), "prune stops where it is told to");
	dir_remove(root, NULL);
	free(a);
	free(b);
	free(file);
	free(link);
	free(inside);
	free(target);
	strv_done(&names);
	error_done(&e);
}

int main(void)
{
	test_strings();
	test_errors();
	test_paths();
	test_files();
	return done_testing();
}
