/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/dir-copy.h"
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

/* Makes the directories "d" within each other below path, n of them, each with a file
 * "z", and one with a long name between them if name is not NULL. */
static void make_deep(const char *path, size_t n, const char *name)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < n && fd >= 0; i++) {
		const char *d = name ? name : "d";
		int made = mkdirat(fd, d, 0700);
		int below = openat(fd, d, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		close(openat(fd, "z", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		close(fd);
		fd = made < 0 ? -1 : below;
	}
	ok(fd >= 0, "make %zu directories within each other", n);
	close(fd);
}

/* More levels than descriptors. */
static void test_deep(void)
{
	_cleanup_free_ char *deep = path_join(root, "deep");
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t n = 0, good = 0, files = 0, errors = 0;

	make_dir("deep");
	make_deep(deep, 1000, NULL);
	walk_begin(&w, deep, WALK_SORTED | WALK_LEAVE);
	while ((e = walk_next(&w))) {
		struct stat st;

		n++;
		errors += e->error != 0;
		files += e->type == DT_REG;
		good += fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			strlen(e->path) == 2 * e->depth + 1;
	}
	is_int((long)errors, 0, "there are more levels than descriptors");
	is_int((long)files, 1000, "what comes after the directory of each level is reported");
	is_int((long)good, (long)n, "the parent of each entry is open");
	ok(dir_remove(deep, NULL) == 0 && !path_exists(deep), "they are removed");
}

static void test_long_paths(void)
{
	_cleanup_free_ char *deep = path_join(root, "deep"), *name = xcalloc(256, 1),
			    *copy = path_join(root, "copy");
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	size_t errors = 0, longest = 0;

	memset(name, 'n', 255);
	make_dir("deep");
	make_deep(deep, 40, name);
	walk_begin(&w, deep, 0);
	while ((e = walk_next(&w))) {
		errors += e->error == -ENAMETOOLONG;
		longest = strlen(e->path) > longest ? strlen(e->path) : longest;
	}
	is_int((long)errors, 1, "a walk does not enter a directory with a longer path");
	is_int((long)longest, PATH_MAX - 1 + 256, "the longest path that is reported");
	is_int(dir_copy(deep, copy, (uid_t)-1, (gid_t)-1, NULL), -ENAMETOOLONG,
		"it is not copied, either");
	ok(dir_remove(deep, NULL) == 0 && !path_exists(deep), "it is removed");
	ok(dir_remove(copy, NULL) == 0 && !path_exists(copy), "and so is the copy");
}

/* A directory is moved while the walk is deep below it. */
static void test_moved(void)
{
	_cleanup_free_ char *deep = path_join(root, "deep"), *from = path_join(deep, "d/d"),
			    *to = path_join(root, "away");
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int error = 0;
	bool outside = false;

	make_dir("deep");
	make_deep(deep, 50, NULL);
	walk_begin(&w, deep, WALK_LEAVE);
	while ((e = walk_next(&w))) {
		if (e->depth == 40 && e->leaving && rename(from, to) < 0)
			ok(false, "move %s", from);
		outside = outside || streq(e->name, "file");
		error = e->error ? e->error : error;
	}
	is_int(error, -ESTALE, "a walk ends if a directory above it has been moved");
	ok(!outside, "it does not go on where that directory is now");
	dir_remove(deep, NULL);
	dir_remove(to, NULL);
}

/* Returns whether directories are removed that cannot be read, searched or changed. */
static bool remove_closed(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} closed[] = {{"closed/a/b", 0}, {"closed/a", 0400}, {"closed/c", 0100},
		{"closed/d", 0500}, {"closed", 0}};
	_cleanup_free_ char *top = path_join(root, "closed");

	make_dir("closed");
	make_dir("closed/a");
	make_dir("closed/a/b");
	make_dir("closed/c");
	make_dir("closed/d");
	make_file("closed/a/b/x");
	make_file("closed/c/x");
	make_file("closed/d/x");
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		_cleanup_free_ char *path = path_join(root, closed[i].name);

		if (chmod(path, closed[i].mode) < 0)
			ok(false, "change %s", path);
	}
	return dir_remove(top, NULL) == 0 && !path_exists(top);
}

/* As another user, if root runs the test: root may read all directories. */
static void test_closed(void)
{
	int status;
	pid_t pid;

	if (chmod(root, 0777) < 0)
		ok(false, "open %s", root);
	pid = fork();
	if (pid == 0) {
		if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		_exit(!remove_closed());
	}
	ok(waitpid(pid, &status, 0) == pid && status == 0,
		"directories that are closed to their owner are removed");
}

int main(void)
{
	const struct rlimit few = {64, 64};
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
	ok(setrlimit(RLIMIT_NOFILE, &few) == 0, "only 64 descriptors can be open");
	test_deep();
	test_long_paths();
	test_moved();
	test_closed();
	test_removed();
	return done_testing();
}
