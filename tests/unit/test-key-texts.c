/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts that many keys share, which are made again when their files change. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/listing.h"
#include "builder/reuse/key-texts.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test-XXXXXX";
static struct statcache *stats;
static int made, failure;

static void write_file(const char *name, const char *text)
{
	char *path = path_join(dir, name);

	if (file_write(path, text, strlen(text), 0644, NULL) < 0)
		ok(false, "write %s", path);
	free(path);
}

static int make(struct key_texts *texts, const struct key_text_source *source,
	struct str *ret, struct error *err)
{
	(void)source;
	made++;
	if (failure)
		return error_set(err, failure, 1, "it fails");
	str_addf(ret, "%s dir\n", dir);
	return listing_add_dir(texts->stats, dir, dir, ret);
}

static const struct key_text_source changing = {"part", NULL, NULL, make, true, NULL};

static struct key add(struct key_texts *texts)
{
	struct key key = {0};

	is_int(key_texts_add_part(texts, &key, &changing, false, NULL), 0, "add a part");
	return key;
}

static bool is_same(const struct key *a, const struct key *b)
{
	struct digest x, y;

	key_digest(a, &x);
	key_digest(b, &y);
	return digest_equal(&x, &y);
}

/* The files are as new as can be, so each text is made again. */
static void test_changes(void)
{
	struct key_texts *texts = key_texts_new(stats, NULL, NULL);
	struct key one, two, three;
	char *first;

	write_file("a b\\c", "one");
	one = add(texts);
	first = xstrdup(one.parts[0].detail);
	two = add(texts);
	ok(is_same(&one, &two), "nothing has changed");
	write_file("a b\\c", "two");
	three = add(texts);
	ok(!is_same(&one, &three), "a file has changed");
	is(one.parts[0].detail, first, "an earlier key keeps its text");
	key_done(&two);
	write_file("a b\\c", "one");
	two = add(texts);
	ok(is_same(&one, &two), "the file is as it was");
	key_done(&one);
	key_done(&two);
	key_done(&three);
	free(first);
	key_texts_free(texts);
}

static int make_old(struct key_texts *texts, const struct key_text_source *source,
	struct str *ret, struct error *err)
{
	(void)texts;
	(void)source;
	(void)err;
	made++;
	str_add(ret, "/usr dir\n");
	return 0;
}

/* A text whose files have not changed is not made again. */
static void test_unchanged(void)
{
	static const struct key_text_source old = {
		"old", NULL, NULL, make_old, true, NULL};
	struct key_texts *texts = key_texts_new(stats, NULL, NULL);
	int fd = open("/usr", O_RDONLY);
	bool is_local = fd >= 0 && stat_is_local(fd);

	made = 0;
	for (int i = 0; i < 3; i++) {
		struct key key = {0};

		key_texts_add_part(texts, &key, &old, i > 1, NULL);
		is(key.n_parts ? key.parts[0].detail : NULL, "/usr dir\n", "the part");
		key_done(&key);
	}
	is_int(made, is_local ? 1 : 3, "it is made once, unless the file system is remote");
	close(fd);
	key_texts_free(texts);
}

/* A failure is remembered, unless it says that another try may succeed. */
static void test_failures(void)
{
	struct key_texts *texts = key_texts_new(stats, NULL, NULL);
	struct error err = {0};
	struct key key = {0};

	made = 0;
	failure = -EAGAIN;
	is_int(key_texts_add_part(texts, &key, &changing, false, &err), -EAGAIN, "a failure");
	is(err.what, "it fails", "it has its reason");
	failure = -E2BIG;
	is_int(key_texts_add_part(texts, &key, &changing, false, NULL), -E2BIG, "another try");
	failure = 0;
	is_int(key_texts_add_part(texts, &key, &changing, false, NULL), -E2BIG, "no more try");
	is_int(made, 2, "it was made twice");
	error_done(&err);
	key_done(&key);
	key_texts_free(texts);
}

/* Takes the stamp of a text about the path, as if the files had not changed for long. */
static struct key_stamp stamp(const char *text, const char *const *files)
{
	struct timespec later;
	struct key_stamp s;

	clock_gettime(CLOCK_REALTIME, &later);
	later.tv_sec += 1000;
	key_stamp_take(text, files, &later, &s);
	return s;
}

static void is_changed_by(bool want, void (*change)(void), const char *text,
	const char *const *files, const char *what)
{
	struct key_stamp before = stamp(text, files), after;

	change();
	after = stamp(text, files);
	ok(key_stamp_is_same(&before, &after) == !want, "stamp: %s", what);
	key_stamp_done(&before);
	key_stamp_done(&after);
}

static void change_nothing(void)
{
}

static void change_file(void)
{
	write_file("file name", "changed, and longer");
}

static void change_target(void)
{
	write_file("target", "changed, and longer");
}

static void change_mode(void)
{
	char *path = path_join(dir, "file name");

	chmod(path, 0600);
	free(path);
}

static void add_missing(void)
{
	write_file("missing", "");
}

static void test_stamps(void)
{
	char *path = path_join(dir, "file\\040name"), *link = path_join(dir, "link");
	char *missing = path_join(dir, "missing"), *other = path_join(dir, "other");
	char *text = xasprintf("%s file 0644 x\nfile name\nx %s", path, other);
	char *both = xasprintf("%s link target x\n", link);
	const char *const files[] = {missing, NULL};
	struct timespec now;
	struct key_stamp s, t = {0};

	write_file("file name", "");
	write_file("target", "");
	if (symlink("target", link) < 0)
		ok(false, "make a link");
	is_changed_by(false, change_nothing, text, files, "nothing has changed");
	is_changed_by(true, change_file, text, NULL, "a file with a blank in its name");
	is_changed_by(true, change_mode, text, NULL, "a mode");
	is_changed_by(false, change_target, text, NULL, "a file that is not named");
	is_changed_by(true, change_target, both, NULL, "the file that a link leads to");
	is_changed_by(true, add_missing, text, files, "a file that was missing");
	clock_gettime(CLOCK_REALTIME, &now);
	key_stamp_take(text, NULL, &now, &s);
	ok(!key_stamp_is_same(&s, &s), "stamp: a file that has just changed");
	ok(!key_stamp_is_same(&t, &t), "stamp: none");
	key_stamp_done(&s);
	free(path);
	free(link);
	free(missing);
	free(other);
	free(text);
	free(both);
}

int main(void)
{
	if (!mkdtemp(dir))
		abort();
	stats = statcache_open(NULL, NULL);
	test_changes();
	test_unchanged();
	test_failures();
	test_stamps();
	statcache_close(stats);
	dir_remove(dir, NULL);
	return done_testing();
}
