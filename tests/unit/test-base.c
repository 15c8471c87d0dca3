/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/dir-copy.h"
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
	is_int((long)v.n, 0, "sorting an empty list");
	strv_split(&v, "b a b c a b");
	strv_sort_unique(&v);
	joined = strv_join(&v, ",");
	is(joined, "a,b,c", "sorted, each once");
	free(joined);
	ok(!v.items[v.n], "a list ends in NULL after sorting");
	is_int((long)strv_find_sorted(&v, "c"), 2, "find a string in a sorted list");
	is_int((long)strv_find_sorted(&v, "bb"), 3,
		"find a missing string in a sorted list");
	strv_done(&v);
	is_int((long)strv_find_sorted(&v, "a"), 0, "an empty list has nothing");

	for (int i = 0; i < 1000; i++)
		strv_pushf(&v, "N%d=%d", i, i);
	is(strv_getenv(&v, "N999"), "999", "the last of 1,000 variables");
	strv_setenv(&v, "N500", NULL);
	is(strv_getenv(&v, "N500"), NULL, "a removed variable");
	strv_setenv(&v, "N999", "x");
	is(strv_getenv(&v, "N999"), "x", "a replaced variable");
	is_int((long)v.n, 999, "the number of variables that are left");
	strv_done(&v);
}

static void test_controls(void)
{
	static const struct {
		const char *text, *masked, *escaped;
	} cases[] = {
		{"plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL, NULL},
		{"a\tb\n", "a\tb\n", "a\\x09b\\x0a"},
		{"\033[1m\x7f", "?[1m?", "\\x1b[1m\\x7f"},
		{"\xc2\x9b" "1m", "??1m", "\\xc2\\x9b1m"},
		{"\x9b" "1m", "?1m", "\\x9b1m"},
		{"\xe0\x82\x9b", "???", "\\xe0\\x82\\x9b"},
		{"\xc3\x9b\x9b", "\xc3\x9b?", "\xc3\x9b\\x9b"},
		{"\xe2\x82", "??", "\\xe2\\x82"},
		{"a\xe2\x80\xae" "b", "a???b", "a\\xe2\\x80\\xaeb"},
		{"\xe2\x81\xa6\xd8\x9c\xc2\xad", "???????",
			"\\xe2\\x81\\xa6\\xd8\\x9c\\xc2\\xad"},
		{"\xef\xbb\xbf\xf3\xa0\x81\x81", "???????",
			"\\xef\\xbb\\xbf\\xf3\\xa0\\x81\\x81"},
		{"\xe2\x80\x98\xc2\xa0\xe2\x80\xaf", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *masked = xstrdup(cases[i].text);
		char *escaped = text_escape_controls(masked);

		text_mask_controls(masked);
		is_int(text_has_control(cases[i].text), cases[i].masked != NULL,
			"whether it has a control character");
		is(masked, cases[i].masked ? cases[i].masked : cases[i].text,
			"the text masked");
		is(escaped, cases[i].escaped ? cases[i].escaped : cases[i].text,
			"the text escaped");
		free(masked);
		free(escaped);
	}
	ok(text_is_name("6.1.0-1+deb~1_x.y@z,%"), "a usual name");
	ok(!text_is_name(""), "an empty name");
	for (const char *c = " $`\"'\\;&|<>(){}[]*?!#/\n\x7f"; *c; c++) {
		const char name[] = {'a', *c, 'b', '\0'};

		ok(!text_is_name(name), "a name with the character %d", *c);
	}
	ok(!text_is_name("~x") && !text_is_name(".x"),
		"names that begin with what programs interpret");
}

static void test_errors(void)
{
	struct error e = {0}, first = {0};

	is_int(error_set(&e, -EINVAL, 8, "bad %s", "conf"), -EINVAL,
		"the error code is returned");
	error_set(&e, -EIO, 1, "later");
	is(e.what, "bad conf", "the first cause is kept");
	is_int(e.status, 8, "the exit status of the first cause");
	error_move(&first, &e);
	ok(!e.what && first.status == 8, "an error can be moved");
	is_int(error_set(NULL, -EIO, 1, "nobody asks"), -EIO, "NULL takes no text");
	error_done(&first);
}

static void test_paths(void)
{
	ok(path_is_below("/a/b/c", "/a/b"), "a file below a directory");
	ok(!path_is_below("/a/bc", "/a/b"),
		"a path that only begins with the same characters is not below");
	ok(!path_is_below("/a/b", "/a/b"), "a directory is not below itself");
	ok(path_is_in("/a/b", "/a/b") && path_is_in("/a/b/c", "/a/b"),
		"a directory is in itself, and so is what it contains");
	ok(!path_is_in("/a", "/a/b"), "a parent directory is not in it");
}

static void test_parents(void)
{
	static const char *const parents[][2] = {
		{"/a/b", "/a"}, {"a/b/c", "a/b"}, {"/a", "/"}, {"a", ""}, {"", ""}};
	static const char *const with[] = {"..", "../a", "a/..", "a/../b", "...a/.."};
	static const char *const without[] = {"", "a", "..a", "a..", "a/...", "a/..b/c"};
	char *beside = path_beside("/a/b", "c");

	is(beside, "/a/c", "a path beside another one");

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		_cleanup_free_ char *parent = path_parent(parents[i][0]);
		_cleanup_free_ char *what =
			xasprintf("the parent of \"%s\"", parents[i][0]);

		is(parent, parents[i][1], what);
	}
	free(beside);
	beside = path_beside("b", "c");
	is(beside, "c", "a path beside a name");
	for (size_t i = 0; i < ARRAY_SIZE(with); i++)
		ok(path_has_dot_dot(with[i]), "%s has ..", with[i]);
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		ok(!path_has_dot_dot(without[i]), "\"%s\" has no ..", without[i]);
	free(beside);
}

static void test_same_and_programs(void)
{
	ok(path_is_same("/", "/usr/.."), "two paths of the same directory");
	ok(!path_is_same("/", "/usr"), "two directories");
	ok(!path_is_same("/none", "/none"), "missing paths are not the same");
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

/* Files and links below root/a/b/c. */
static void test_files(const char *root)
{
	_cleanup_free_ char *dir = path_join(root, "a/b/c"), *target = NULL;
	_cleanup_free_ char *file = path_join(dir, "file"),
			    *link = path_join(dir, "link");
	_cleanup_(str_done) struct str s = {0};
	struct error e = {0};

	is_int(dir_make(dir, &e), 0, "make a directory with its parents");
	is_int(file_write(file, "one\0two", 7, 0755, &e), 0, "write a file");
	is_int(file_read(file, 100, &s, &e), 0, "read it again");
	ok(s.len == 7 && memcmp(s.data, "one\0two", 7) == 0, "the bytes are the same");
	str_done(&s);
	is_int(file_read(file, 6, &s, NULL), -EFBIG, "a file larger than the limit");
	is_int(link_write(link, "file", &e), 0, "make a link");
	is_int(link_write(link, "./file", &e), 0, "replace a link");
	is_int(link_read(link, &target), 0, "read a link");
	is(target, "./file", "the target of the link");
	error_done(&e);
}

/* Copies of the files that test_files() has made. */
static void test_directories(const char *root)
{
	_cleanup_free_ char *dir = path_join(root, "a"), *copy = path_join(root, "copy");
	_cleanup_free_ char *file = path_join(copy, "b/c/file");
	_cleanup_free_ char *link = path_join(copy, "b/c/link");
	_cleanup_free_ char *inside = path_join(dir, "b/copy");
	_cleanup_(strv_done) struct strv names = {0};
	struct error e = {0};
	struct stat st;

	is_int(dir_copy(dir, copy, (uid_t)-1, (gid_t)-1, &e), 0, "copy a directory");
	ok(stat(file, &st) == 0 && (st.st_mode & 0777) == 0755,
		"the copy has the same modes");
	ok(lstat(link, &st) == 0 && S_ISLNK(st.st_mode), "a link is copied as a link");
	is_int(file_same_bytes(file, link), 1,
		"a file has the same bytes as a link to it");
	is_int(dir_list(root, &names), 0, "list a directory");
	ok(names.n == 2 && streq(names.items[0], "a"), "no temporary name is left");
	is_int(dir_copy(dir, copy, (uid_t)-1, (gid_t)-1, &e), -EEXIST,
		"a copy does not replace a directory");
	ok(e.what && strstr(e.what, "copy"), "the error names the directory: %s", e.what);
	is_int(dir_copy(dir, inside, (uid_t)-1, (gid_t)-1, NULL), -ELOOP,
		"a directory is not copied into itself");
	is_int(dir_copy("/", inside, (uid_t)-1, (gid_t)-1, NULL), -ELOOP,
		"the root directory is not copied into itself");
	is_int(dir_remove(copy, NULL), 0, "remove a directory");
	ok(!path_exists(copy), "the directory is gone");
	is_int(dir_remove(copy, NULL), 0, "removing a missing directory succeeds");
	error_done(&e);
}

static void test_prune(const char *root)
{
	_cleanup_free_ char *top = path_join(root, "a"), *dir = path_join(root, "a/b/c");
	_cleanup_free_ char *file = path_join(dir, "file"),
			    *link = path_join(dir, "link");

	unlink(file);
	unlink(link);
	dir_prune(dir, root);
	ok(!path_exists(top) && path_exists(root),
		"prune keeps the directory that it is given");
}

static void test_lock(const char *root)
{
	_cleanup_close_ int first = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int second = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	is_int(file_lock(first, LOCK_SH), 0, "lock a directory");
	is_int(file_lock(second, LOCK_SH | LOCK_NB), 0, "a lock can be shared");
	is_int(file_lock(second, LOCK_EX | LOCK_NB), -EAGAIN,
		"a shared lock is not exclusive");
	is_int(file_lock(-1, LOCK_EX), -EBADF, "there is no lock without a file");
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
	_cleanup_free_ char *a = NULL, *copy = NULL, *inner = NULL, *link = NULL,
			    *kept = NULL;
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
		"the copy has the same mode and times");
	free(inner);
	inner = path_join(copy, "b/c/d/file");
	ok(path_is_file(inner), "files in directories are copied");

	dir_remove_empty(copy);
	ok(path_is_file(inner), "directories with files are kept");
	free(inner);
	inner = path_join(copy, "b/empty");
	ok(!path_exists(inner), "empty directories are removed");

	is_int(dir_remove(copy, NULL), 0, "remove directories");
	ok(!path_exists(copy), "the directories are gone");
	kept = path_join(root, "kept/file");
	ok(path_exists(kept), "the target of a link is kept");
	free(link);
	link = path_join(root, "link");
	ok(symlink("kept", link) == 0 && dir_remove(link, NULL) == 0, "remove a link");
	ok(!path_exists(link) && path_exists(kept), "only the link is removed");
	dir_remove(root, NULL);
}

/* Two processes remove the same directory at the same time. */
static void test_remove_twice(void)
{
	_cleanup_free_ char *top = NULL;
	char root[] = "/tmp/dkms-test-XXXXXX";
	int status;
	pid_t pid;

	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return;
	top = path_join(root, "top");
	for (int i = 0; i < 1000; i++) {
		_cleanup_free_ char *name = xasprintf("top/%d", i);

		make_dir(root, name);
	}
	pid = fork();
	if (pid == 0)
		_exit(dir_remove(top, NULL) == 0 && !path_exists(top) ? 0 : 1);
	ok(dir_remove(top, NULL) == 0 && !path_exists(top),
		"a directory is gone when one process has removed it");
	ok(waitpid(pid, &status, 0) == pid && status == 0,
		"it is gone when another one has removed it at the same time");
	dir_remove(root, NULL);
}

#define GROWING_BYTES (32 * 1024 * 1024)

struct growing {
	const char *from, *dir;
	bool done; /* atomic */
};

/* Whether a file in the directory has any bytes. */
static bool has_bytes(const char *dir)
{
	struct strv names = {0};
	struct stat st = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n && !st.st_size; i++) {
		char *path = path_join(dir, names.items[i]);

		stat(path, &st);
		free(path);
	}
	strv_done(&names);
	return st.st_size > 0;
}

/* Makes the file longer as soon as a part of it has been copied to the directory. */
static void *grow(void *userdata)
{
	struct growing *g = userdata;

	while (!has_bytes(g->dir) && !__atomic_load_n(&g->done, __ATOMIC_RELAXED))
		;
	if (truncate(g->from, 8 * GROWING_BYTES) < 0)
		perror(g->from);
	return NULL;
}

/* Files that become longer while they are copied, or that do not tell how long they are. */
static void test_endless_files(const char *root)
{
	char *from = path_join(root, "growing"), *dir = path_join(root, "copies");
	char *to = path_join(dir, "copy");
	struct growing g = {from, dir, false};
	struct error err = {0};
	struct stat st = {0};
	pthread_t thread;

	dir_make(dir, NULL);
	file_write(from, "", 0, 0600, NULL);
	ok(truncate(from, GROWING_BYTES) == 0, "a file that grows");
	pthread_create(&thread, NULL, grow, &g);
	ok(file_copy(from, to, NULL) == 0, "is copied");
	__atomic_store_n(&g.done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	stat(to, &st);
	is_int((long)st.st_size, GROWING_BYTES, "as it was when its copy began");
	if (path_exists("/proc/self/pagemap")) {
		is_int(file_copy("/proc/self/pagemap", to, &err), -EFBIG,
			"a file in /proc without end is not copied");
		error_done(&err);
		ok(file_copy("/proc/self/maps", to, NULL) == 0 && stat(to, &st) == 0 &&
				st.st_size > 0,
			"another one is");
	}
	free(from);
	free(dir);
	free(to);
}

static void test_times(void)
{
	const struct timespec first = {INT64_MIN, 0}, last = {INT64_MAX, 999999999},
			      before = {-2, 5}, edge = {9223372036, 854775807};

	ok(timespec_ns(&first) == INT64_MIN, "the first time is the least number");
	ok(timespec_ns(&last) == INT64_MAX, "the last time is the greatest number");
	ok(timespec_ns(&before) == -1999999995, "a time before 1970");
	ok(timespec_ns(&edge) == INT64_MAX, "the last time that is a number of nanoseconds");
}

int main(void)
{
	char root[] = "/tmp/dkms-test-XXXXXX";

	test_strings();
	test_times();
	test_controls();
	test_errors();
	test_paths();
	test_parents();
	test_same_and_programs();
	test_write_all();
	test_lock("/tmp");
	test_dirs();
	test_remove_twice();
	if (ok(mkdtemp(root) != NULL, "a temporary directory")) {
		test_files(root);
		test_directories(root);
		test_prune(root);
		test_endless_files(root);
		dir_remove(root, NULL);
	}
	return done_testing();
}
