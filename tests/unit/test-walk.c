/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";

static void make_dir(const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (mkdir(path, 0700) < 0)
		ok(false, "make %s", path);
}

static void make_file(const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (file_write(path, "", 0, 0600, NULL) < 0)
		ok(false, "make %s", path);
}

/* Appends the entries of a walk as "PATH " each, with "/" behind a directory, "@" behind
 * a link,
 * "." for leaving a directory and "!" for an error. */
static void list(
	const char *path, enum walk_flags flags, const char *skipped, struct str *ret)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, path, flags);

	while (r == 0 && (e = walk_next(&w))) {
		str_addf(ret, "%s%s%s ", e->path,
			e->error		    ? "!"
				: e->leaving	    ? "."
				: e->type == DT_DIR ? "/"
				: e->type == DT_LNK ? "@"
						    : "",
			streq(path_base(e->path), e->name) ? "" : "?");
		if (skipped && streq(e->path, skipped))
			walk_skip(&w);
	}
}

static void test_order(void)
{
	_cleanup_(str_done) struct str s = {0}, both = {0}, without = {0}, visible = {0};

	list(root, WALK_SORTED, NULL, &s);
	is(s.data, ".hidden a/ a/b/ a/b/c a/link@ a/z file to-a@ ",
		"the walk is depth first and sorted, and follows no link");
	list(root, WALK_SORTED | WALK_LEAVE, NULL, &both);
	is(both.data, ".hidden a/ a/b/ a/b/c a/b. a/link@ a/z a. file to-a@ ",
		"directories are reported again after their content");
	list(root, WALK_SORTED | WALK_LEAVE, "a/b", &without);
	is(without.data, ".hidden a/ a/b/ a/link@ a/z a. file to-a@ ",
		"the content of a directory can be left out");
	list(root, WALK_SORTED | WALK_VISIBLE, NULL, &visible);
	is(visible.data, "a/ a/b/ a/b/c a/link@ a/z file to-a@ ",
		"names that begin with a dot can be left out");
}

static void test_top(void)
{
	_cleanup_(str_done) struct str s = {0};
	_cleanup_(walk_done) struct walk w = {0}, none = {0}, file = {0};
	_cleanup_free_ char *link = path_join(root, "to-a"),
			    *path = path_join(root, "file");

	list(link, WALK_SORTED, NULL, &s);
	is(s.data, "b/ b/c link@ z ", "the top directory may be a link");
	is_int(walk_begin(&none, "/none", 0), -ENOENT,
		"a missing directory cannot be walked through");
	ok(!walk_next(&none), "a walk that failed to begin has no entries");
	is_int(walk_begin(&file, path, 0), -ENOTDIR, "a file cannot be walked through");
	is_int(walk_begin_at(&w, open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0), 0,
		"a walk begins with a descriptor");
	ok(walk_next(&w), "a walk that began with a descriptor has entries");
}

/* parent and fd are open on the parent directory and on the directory itself. */
static void test_descriptors(void)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t n = 0, good = 0;

	walk_begin(&w, root, WALK_LEAVE);
	while ((e = walk_next(&w))) {
		struct stat by_name, by_fd;

		n++;
		if (fstatat(e->parent, e->name, &by_name, AT_SYMLINK_NOFOLLOW) < 0 ||
			IFTODT(by_name.st_mode) != e->type)
			continue;
		if (e->type != DT_DIR || e->leaving)
			good += e->fd == -1;
		else
			good += fstat(e->fd, &by_fd) == 0 &&
				by_fd.st_ino == by_name.st_ino;
	}
	is_int((long)n, 10, "each entry is reported, and each directory twice");
	is_int((long)good, 10, "each entry has its own type and descriptors");
}

/* A directory is replaced by a link after its name was read. */
static void test_replaced(void)
{
	_cleanup_free_ char *b = path_join(root, "a/b"), *away = path_join(root, "away");
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	bool outside = false;
	int error = 0;

	walk_begin(&w, root, WALK_SORTED);
	while ((e = walk_next(&w))) {
		if (streq(e->path, "a") &&
			(rename(b, away) < 0 || symlink("/etc", b) < 0))
			ok(false, "replace %s", b);
		if (streq(e->path, "a/b"))
			error = e->error;
		outside = outside || has_prefix(e->path, "a/b/");
	}
	ok(error == -ELOOP || error == -ENOTDIR,
		"a directory that has been replaced by a link is reported as an error");
	ok(!outside, "the link in its place is not followed");
	unlink(b);
	rename(away, b);
}

static void test_removed(void)
{
	_cleanup_(str_done) struct str s = {0};
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t n = 0, errors = 0;

	walk_begin(&w, root, WALK_SORTED);
	while ((e = walk_next(&w))) {
		if (n++ == 0)
			dir_remove(root, NULL);
		errors += e->error == -ENOENT;
	}
	is_int((long)errors, 1,
		"a directory that has been removed is reported as an error");
}

int main(void)
{
	_cleanup_free_ char *link = NULL, *to_a = NULL;

	if (!mkdtemp(root))
		return 1;
	make_dir("a");
	make_dir("a/b");
	make_file("a/b/c");
	make_file("a/z");
	make_file("file");
	make_file(".hidden");
	link = path_join(root, "a/link");
	to_a = path_join(root, "to-a");
	ok(symlink("b", link) == 0 && symlink("a", to_a) == 0, "make links");
	test_order();
	test_top();
	test_descriptors();
	test_replaced();
	test_removed();
	return done_testing();
}
