/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/listing-cache.h"
#include "cache/listing.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test.XXXXXX";
static char *root, *kept;

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(root, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

/* Makes the kinds of files that a kernel's headers have: files, directories, links of
 * each kind, markers. */
static void make_tree(void)
{
	static const char *const dirs[] = {"a/b", "include/config", "empty"};
	_cleanup_free_ char *link = path_join(root, "link"),
			    *bad = path_join(root, "nowhere");
	_cleanup_free_ char *far = path_join(root, "far");

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = path_join(root, dirs[i]);

		dir_make(path, NULL);
	}
	put("a/b/file", "one");
	put("a/header.h", "two");
	put("include/config/MARKER", "");
	put("../outside", "three");
	if (symlink("a/header.h", link) < 0 || symlink("missing", bad) < 0 ||
		symlink("../outside", far) < 0)
		abort();
}

static size_t count_kept(void)
{
	_cleanup_(strv_done) struct strv names = {0};
	size_t n = 0;

	dir_list(kept, &names);
	for (size_t i = 0; i < names.n; i++)
		n += !streq(names.items[i], "files");
	return n;
}

/* Returns the listing of root as a run sees it. Caller frees. */
static char *look(void)
{
	struct listing_cache *t = listing_cache_open(kept, NULL);
	struct cached_listing *tree;
	char *text = NULL;

	if (listing_cache_get(t, root, "/include/config", &tree) == 0) {
		text = xstrdup(cached_listing_text(tree).data);
		ok(text && listing_cache_is_unchanged(t, tree),
			"the tree does not change during the listing");
		cached_listing_free(tree);
	}
	listing_cache_close(t);
	return text;
}

static void change_file(void)
{
	put("a/b/file", "ONE");
}
static void change_mode(void)
{
	_cleanup_free_ char *path = path_join(root, "a/header.h");

	chmod(path, 0755);
}
static void change_far(void)
{
	put("../outside", "THREE");
}
static void add_file(void)
{
	put("empty/new", "");
}
static void add_marker(void)
{
	put("include/config/OTHER", "");
}
static void add_target(void)
{
	put("missing", "found");
}
static void remove_file(void)
{
	_cleanup_free_ char *path = path_join(root, "empty/new");

	unlink(path);
}
static void same_again(void)
{
	put("a/b/file", "ONE");
}

/* Each change is noticed by a run that started before it, and by the next run. */
static void test_changes(void)
{
	static const struct {
		const char *what;
		void (*change)(void);
		bool matters;
	} cases[] = {{"a file", change_file, true}, {"a mode", change_mode, true},
		{"a file behind a link", change_far, true},
		{"a new file", add_file, true}, {"a new marker", add_marker, true},
		{"a target for a link", add_target, true},
		{"a removed file", remove_file, true},
		{"the same content", same_again, false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *before = look(), *after = NULL;
		struct listing_cache *t = listing_cache_open(kept, NULL);
		struct cached_listing *tree;

		listing_cache_get(t, root, "/include/config", &tree);
		cases[i].change();
		ok(listing_cache_is_unchanged(t, tree) != cases[i].matters,
			"%s: noticed at once", cases[i].what);
		cached_listing_free(tree);
		listing_cache_close(t);
		after = look();
		ok(streq(before, after) != cases[i].matters,
			"%s: noticed by the next run", cases[i].what);
	}
}

/* Writes the bytes to the file of a saved listing. Checks that a run that finds it makes
 * the right listing, names the file as damaged and removes it. */
static void check_damage(
	const char *path, const struct str *bytes, const char *want, const char *what)
{
	struct damage *d = damage_new();
	struct listing_cache *t = listing_cache_open(kept, d);
	_cleanup_(strv_done) struct strv files = {0}, whats = {0};
	struct cached_listing *tree = NULL;

	file_write(path, bytes->data, bytes->len, 0644, NULL);
	is_int((long)listing_cache_verify(t), 1, what);
	ok(!path_exists(path), "%s: removed", what);
	file_write(path, bytes->data, bytes->len, 0644, NULL);
	is_int(listing_cache_get(t, root, "/include/config", &tree), 0, what);
	is(tree ? cached_listing_text(tree).data : NULL, want, "the listing is right");
	damage_list(d, &files, &whats);
	is_int((long)files.n, 1, "one file is damaged");
	is(files.n ? files.items[0] : NULL, path, "the list names the file");
	is(whats.n ? whats.items[0] : NULL, "was damaged and has been removed",
		"the list says what was done");
	cached_listing_free(tree);
	listing_cache_close(t);
	damage_free(d);
}

static void test_damage(void)
{
	_cleanup_free_ char *before = look();
	_cleanup_(strv_done) struct strv names = {0};
	_cleanup_(str_done) struct str bytes = {0};
	static const long flips[] = {
		0, 8, 12, 16, 24, 40, 48, 80, 111, 115, 200, 400, -40, -1};
	static const size_t lengths[] = {0, 1, 50, 112, 300};
	char *path = NULL;

	dir_list(kept, &names);
	for (size_t i = 0; i < names.n; i++)
		if (!streq(names.items[i], "files"))
			path = path_join(kept, names.items[i]);
	is_int(file_read(path, 1 << 20, &bytes, NULL), 0, "a listing is kept");
	for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
		size_t at =
			flips[j] < 0 ? bytes.len + (size_t)flips[j] : (size_t)flips[j];
		_cleanup_free_ char *what = xasprintf("byte %zu damaged", at);

		bytes.data[at] ^= 4;
		check_damage(path, &bytes, before, what);
		bytes.data[at] ^= 4;
	}
	for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
		struct str part = {.data = bytes.data, .len = lengths[j]};
		_cleanup_free_ char *what = xasprintf("only %zu bytes", part.len);

		check_damage(path, &part, before, what);
	}
	free(path);
}

/* A listing of an earlier version, or of another directory, is made again, without a
 * word. */
static void test_foreign(void)
{
	_cleanup_free_ char *before = look();
	_cleanup_(strv_done) struct strv names = {0};
	struct damage *d = damage_new();
	struct listing_cache *t = listing_cache_open(kept, d);
	struct cached_listing *tree = NULL;
	_cleanup_free_ char *other = path_join(root, "a"), *line = NULL;
	char *from = NULL, *to = NULL;

	dir_list(kept, &names);
	for (size_t i = 0; i < names.n; i++)
		if (!streq(names.items[i], "files"))
			from = path_join(kept, names.items[i]);
	is_int(listing_cache_get(t, other, "/include/config", &tree), 0,
		"another directory");
	cached_listing_free(tree);
	strv_done(&names);
	dir_list(kept, &names);
	for (size_t i = 0; i < names.n; i++) {
		to = path_join(kept, names.items[i]);
		if (!streq(names.items[i], "files") && !streq(to, from))
			rename(to, from);
		free(to);
	}
	is_int(listing_cache_get(t, root, "/include/config", &tree), 0, "renamed");
	is(cached_listing_text(tree).data, before, "a renamed listing is not used");
	cached_listing_free(tree);
	listing_cache_close(t);
	line = damage_describe(d);
	is(line, NULL, "a renamed listing is not called damaged");
	damage_free(d);
	free(from);
}

/* Makes so many files that several threads read them, where there are several CPUs. */
static void make_many_files(void)
{
	for (int i = 0; i < 1000; i++) {
		_cleanup_free_ char *name = xasprintf("many/%d/%d.h", i % 7, i);
		_cleanup_free_ char *path = xasprintf("%s/many/%d", root, i % 7);

		dir_make(path, NULL);
		put(name, name);
	}
}

/* Returns the listing of root as one thread makes it. Caller frees. */
static char *list_slowly(void)
{
	struct statcache *c = statcache_open(NULL, NULL);
	struct str text = {0};

	listing_add_tree(c, root, root, "/include/config", NULL, &text);
	statcache_close(c);
	return str_take(&text);
}

int main(void)
{
	_cleanup_free_ char *first = NULL, *second = NULL, *slow = NULL;

	if (!mkdtemp(dir))
		return 1;
	root = path_join(dir, "root");
	kept = path_join(dir, "kept");
	make_tree();
	free(look());
	is_int((long)count_kept(), 0,
		"no listing is kept while a change could go unnoticed");
	test_changes();
	dir_remove(root, NULL);
	make_tree();
	make_many_files();
	usleep(2200000); /* wait until the files are old */
	first = look();
	is_int((long)count_kept(), 1, "the listing of old files is kept");
	slow = list_slowly();
	is(first, slow, "several threads make the same listing as one");
	second = look();
	is(second, first, "the kept listing is the same");
	test_damage();
	test_foreign();
	test_changes();
	dir_remove(dir, NULL);
	free(root);
	free(kept);
	return done_testing();
}
