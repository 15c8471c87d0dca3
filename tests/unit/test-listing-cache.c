/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cache/listing-cache.h"
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
	_cleanup_free_ char *link = path_join(root, "link"), *bad = path_join(root, "nowhere");
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
	struct listing_cache *t = listing_cache_open(kept);
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

static void change_file(void) { put("a/b/file", "ONE"); }
static void change_mode(void)
{
	_cleanup_free_ char *path = path_join(root, "a/header.h");

	chmod(path, 0755);
}
static void change_far(void) { put("../outside", "THREE"); }
static void add_file(void) { put("empty/new", ""); }
static void add_marker(void) { put("include/config/OTHER", ""); }
static void add_target(void) { put("missing", "found"); }
static void remove_file(void)
{
	_cleanup_free_ char *path = path_join(root, "empty/new");

	unlink(path);
}
static void same_again(void) { put("a/b/file", "ONE"); }

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
		struct listing_cache *t = listing_cache_open(kept);
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

/* A damaged listing is ignored. */
static void test_damage(void)
{
	_cleanup_free_ char *before = look();
	_cleanup_(strv_done) struct strv names = {0};

	is_int((long)count_kept(), 1, "a listing is kept");
	dir_list(kept, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(kept, names.items[i]);
		_cleanup_(str_done) struct str bytes = {0};
		static const long places[] = {10, 70, 200, 400, -3};

		if (streq(names.items[i], "files"))
			continue;
		file_read(path, 1 << 20, &bytes, NULL);
		for (size_t j = 0; j < ARRAY_SIZE(places); j++) {
			size_t at = places[j] < 0 ? bytes.len + (size_t)places[j]
						  : (size_t)places[j];
			struct listing_cache *t = listing_cache_open(kept);
			struct cached_listing *tree = NULL;
			struct str text = {0};

			bytes.data[at] ^= 1;
			file_write(path, bytes.data, bytes.len, 0644, NULL);
			bytes.data[at] ^= 1;
			if (listing_cache_get(t, root, "/include/config", &tree) == 0)
				text = cached_listing_text(tree);
			ok(!text.data || streq(text.data, before),
				"byte %zu damaged: the text is right or missing", at);
			cached_listing_free(tree);
			listing_cache_close(t);
		}
		file_write(path, bytes.data, bytes.len / 2, 0644, NULL);
	}
	free(before);
	before = look();
	ok(before && strstr(before, "/a/b/file file"),
		"a truncated listing is read again");
}

int main(void)
{
	_cleanup_free_ char *first = NULL, *second = NULL;

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
	usleep(2200000); /* wait until the files are old */
	first = look();
	is_int((long)count_kept(), 1, "the listing of old files is kept");
	second = look();
	is(second, first, "the kept listing is the same");
	test_damage();
	test_changes();
	dir_remove(dir, NULL);
	free(root);
	free(kept);
	return done_testing();
}
