/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

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
	is_int((long)strv_find_sorted(&v, "c"), 2, "find in a sorted list");
	is_int((long)strv_find_sorted(&v, "bb"), 3, "what is not in a sorted list");
	strv_done(&v);
	is_int((long)strv_find_sorted(&v, "a"), 0, "an empty list has nothing");

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

static void test_parents(void)
{
	static const char *const parents[][2] = {
		{"/a/b", "/a"}, {"a/b/c", "a/b"}, {"/a", "/"}, {"a", ""}, {"", ""}};
	static const char *const with[] = {"..", "../a", "a/..", "a/../b", "...a/.."};
	static const char *const without[] = {"", "a", "..a", "a..", "a/...", "a/..b/c"};

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		_cleanup_free_ char *parent = path_parent(parents[i][0]);
		_cleanup_free_ char *what = xasprintf("the parent of \"%s\"", parents[i][0]);

		is(parent, parents[i][1], what);
	}
	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		ok(path_has_dot_dot(with[i]), "%s has ..", with[i]);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		ok(!path_has_dot_dot(without[i]), "\"%s\" has no ..", without[i]);
}

static void test_same_and_programs(void)
{
	ok(path_is_same("/", "/usr/.."), "two paths of the same directory");
	ok(!path_is_same("/", "/usr"), "two directories");
	ok(!path_is_same("/none", "/none"), "what is missing is the same as nothing");
	ok(path_is_program("/bin/sh"), "a program");
	ok(!path_is_program("/etc/passwd"), "a file that is no program");
	ok(!path_is_program("/usr"), "a directory is no program");
}

/* A pipe takes less at once than is written. */
static void test_write_all(void)
{
	static char bytes[1 << 20];
	size_t sum = 0;
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (!ok(pipe(fds) == 0, "a pipe"))
		return;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(write_all(fds[1], bytes, sizeof(bytes)) == 0 ? 0 : 1);
	}
	close(fds[1]);
	while ((n = read(fds[0], bytes, 1000)) > 0)
		sum += (size_t)n;
	close(fds[0]);
	ok(sum == sizeof(bytes), "all bytes are written");
	waitpid(pid, NULL, 0);
	is_int(write_all(-1, bytes, 1), -EBADF, "an error of write(2)");
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

static void make_dir(const char *root, const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (dir_make(path, NULL) < 0)
		ok(false, "make %s", path);
}

static void make_file(const char *root, const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (file_write(path, "x", 1, 0600, NULL) < 0)
		ok(false, "make %s", path);
}

static void test_dirs(void)
{
	static const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	_cleanup_free_ char *a = NULL, *copy = NULL, *inner = NULL, *link = NULL, *kept = NULL;
	char root[] = "/tmp/dkms-test-XXXXXX";
	struct stat st;

	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return;
	a = path_join(root, "a");
	copy = path_join(root, "copy");
	make_dir(a, "b/c/d");
	make_dir(a, "b/empty/.hidden");
	make_file(a, "b/c/d/file");
	link = path_join(a, "b/link");
	ok(symlink("../../kept", link) == 0, "make a link to a directory");
	make_dir(root, "kept");
	make_file(root, "kept/file");
	inner = path_join(a, "b/c");
	ok(chmod(inner, 0750) == 0 && utimensat(AT_FDCWD, inner, old, 0) == 0,
		"a directory has a mode and times");

	is_int(dir_copy(a, copy, (uid_t)-1, (gid_t)-1, NULL), 0, "copy directories");
	free(inner);
	inner = path_join(copy, "b/c");
	ok(stat(inner, &st) == 0 && (st.st_mode & 07777) == 0750 && st.st_mtime == 2000,
		"the copy has them, too");
	free(inner);
	inner = path_join(copy, "b/c/d/file");
	ok(path_is_file(inner), "and the files below");

	dir_remove_empty(copy);
	ok(path_is_file(inner), "directories with files stay");
	free(inner);
	inner = path_join(copy, "b/empty");
	ok(!path_exists(inner), "empty ones are removed");

	is_int(dir_remove(copy, NULL), 0, "remove directories");
	ok(!path_exists(copy), "they are gone");
	kept = path_join(root, "kept/file");
	ok(path_exists(kept), "what a link leads to is not");
	free(link);
	link = path_join(root, "link");
	ok(symlink("kept", link) == 0 && dir_remove(link, NULL) == 0, "remove a link");
	ok(!path_exists(link) && path_exists(kept), "which is gone alone");
	dir_remove(root, NULL);
}

int main(void)
{
	test_strings();
	test_errors();
	test_paths();
	test_parents();
	test_same_and_programs();
	test_write_all();
	test_files();
	test_dirs();
	return done_testing();
}
