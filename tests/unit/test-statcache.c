/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "cache/listing.h"
#include "cache/statcache.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test.XXXXXX";
static char *index_path;

static char *put(const char *name, const char *text)
{
	char *path = path_join(dir, name);

	file_write(path, text, strlen(text), 0644, NULL);
	return path;
}

/* Whether the digest of path in c is that of text. */
static bool holds(struct statcache *c, const char *path, const char *text)
{
	struct digest got, want;
	struct stat st;

	digest_bytes(text, strlen(text), &want);
	return stat(path, &st) == 0 && statcache_digest(c, AT_FDCWD, path, &st, &got) == 0 &&
	       digest_equal(&got, &want);
}

static void reopen(struct statcache **c)
{
	statcache_save(*c);
	statcache_close(*c);
	*c = statcache_open(index_path, NULL);
}

static void is_counts(struct statcache *c, long known, long read, const char *what)
{
	struct statcache_counts counts = statcache_counts(c);

	is_int((long)counts.known * 1000 + (long)counts.read, known * 1000 + read, what);
}

static void test_racy(void)
{
	_cleanup_free_ char *path = put("racy", "one");
	struct statcache *c = statcache_open(index_path, NULL);
	int fd;

	ok(holds(c, path, "one") && holds(c, path, "one"), "a new file");
	is_counts(c, 0, 2, "it is read each time while a change could go unnoticed");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok(write(fd, "two", 3) == 3, "the file changes and keeps its size");
	close(fd);
	ok(holds(c, path, "two"), "the change is noticed");
	statcache_close(c);
}

static void test_keeps(const char *old, const char *other)
{
	struct statcache *c = statcache_open(index_path, NULL);
	struct timespec times[2];
	struct stat st;

	ok(holds(c, old, "old") && holds(c, old, "old"), "an old file");
	is_counts(c, 1, 1, "an old file is read once");
	reopen(&c);
	ok(holds(c, old, "old") && holds(c, other, "other"), "the next run");
	is_counts(c, 1, 1, "the old file is known, the other one is read");
	reopen(&c);
	ok(holds(c, old, "old") && holds(c, other, "other"), "the run after that");
	is_counts(c, 2, 0, "both files are known");

	/* The size and mtime are the same, but not the ctime. */
	stat(old, &st);
	free(put("old", "new"));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	utimensat(AT_FDCWD, old, times, 0);
	ok(holds(c, old, "new"), "a change is noticed although the mtime was restored");
	chmod(other, 0600);
	ok(holds(c, other, "other"), "a change of the mode does not matter");
	statcache_close(c);
}

static void spoil(off_t at, const char *what)
{
	int fd = open(index_path, O_RDWR | O_CLOEXEC);
	char byte = 0;

	ok(pread(fd, &byte, 1, at) == 1, "%s", what);
	byte ^= 1;
	if (pwrite(fd, &byte, 1, at) != 1)
		abort();
	close(fd);
}

static void test_damage(const char *old)
{
	static const off_t places[] = {0, 8, 12, 16, 30, 60, 100};
	struct statcache *c;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		spoil(places[i], "flip a byte of the index");
		c = statcache_open(index_path, NULL);
		ok(holds(c, old, "old"), "the digest is right in spite of the damage");
		is_counts(c, 0, 1, "the file was read again");
		reopen(&c);
		ok(holds(c, old, "old"), "the next run");
		is_counts(c, 1, 0, "the index was written again");
		statcache_close(c);
	}
	ok(truncate(index_path, 90) == 0, "truncate the index");
	c = statcache_open(index_path, NULL);
	ok(holds(c, old, "old"), "the digest is right in spite of the truncation");
	is_counts(c, 0, 1, "the file was read again");
	statcache_close(c);
	c = statcache_open("/nonexistent/dir/index", NULL);
	ok(holds(c, old, "old") && statcache_save(c) < 0, "the index cannot be written");
	statcache_close(c);
	c = statcache_open(NULL, NULL);
	ok(holds(c, old, "old") && statcache_save(c) == 0, "there is no index");
	statcache_close(c);
}

static char *list(void)
{
	struct statcache *c = statcache_open(NULL, NULL);
	_cleanup_free_ char *tree = path_join(dir, "tree");
	struct str s = {0};

	if (listing_add_dir(c, tree, "", &s) < 0)
		str_add(&s, "failed");
	statcache_close(c);
	return str_take(&s);
}

static void is_difference(const char *before, const char *want)
{
	_cleanup_(strv_done) struct strv all = {0};
	_cleanup_free_ char *after = list(), *got = NULL;

	listing_differences(before, after, 2, &all);
	got = all.n ? strv_join(&all, ", ") : xstrdup("nothing");
	is(got, want, want);
}

static void test_listing(void)
{
	_cleanup_free_ char *tree = path_join(dir, "tree"), *sub = path_join(tree, "sub");
	_cleanup_free_ char *far = path_join(dir, "far"), *link = path_join(tree, "link");
	_cleanup_free_ char *flink = path_join(tree, "zlink"), *before = NULL;
	_cleanup_free_ char *file = NULL, *odd = NULL;

	dir_make(sub, NULL);
	dir_make(far, NULL);
	free(put("far/file", "1"));
	file = put("tree/sub/a file", "text");
	odd = put("tree/b", "b");
	if (symlink("../far", link) < 0 || symlink("../far/file", flink) < 0)
		abort();
	before = list();
	is(before ? (strstr(before, "sub/a\\040file file 0644 ") ? "yes" : before) : NULL, "yes",
		"a name with a blank");
	ok(strstr(before, "link link ../far -\n") != NULL, "a link to a directory");
	is_difference(before, "nothing");
	utimensat(AT_FDCWD, file, NULL, 0);
	is_difference(before, "nothing");
	chmod(file, 0755);
	is_difference(before, "sub/a\\040file differs");
	chmod(file, 0644);
	free(put("far/file", "2"));
	is_difference(before, "zlink differs");
	free(put("far/file", "1"));
	free(put("tree/c", ""));
	is_difference(before, "c is new");
	unlink(odd);
	is_difference(before, "b is gone, c is new");
	is_int((long)listing_differences("a 1\nb/c 2\nb 3\n", "b 4\nd 5\n", 0, NULL), 4,
		"the number of differences");
}

int main(void)
{
	_cleanup_free_ char *old = NULL, *other = NULL;

	if (!mkdtemp(dir))
		return 1;
	index_path = path_join(dir, "index");
	old = put("old", "old");
	other = put("other", "other");
	test_racy();
	usleep(2200000); /* wait until the files are old */
	test_keeps(old, other);
	free(put("old", "old"));
	usleep(2200000);
	test_damage(old);
	test_listing();
	dir_remove(dir, NULL);
	free(index_path);
	return done_testing();
}
