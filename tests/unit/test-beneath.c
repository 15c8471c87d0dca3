/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/beneath.h"
#include "base/dirents.h"
#include "base/file.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";
static char *top; /* the directory that others may have filled */

static void make_dir(const char *name)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (mkdir(path, 0755) < 0)
		ok(false, "make %s", path);
}

static void make_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (file_write(path, text, strlen(text), 0644, NULL) < 0)
		ok(false, "make %s", path);
}

static void make_link(const char *name, const char *target)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (symlink(target, path) < 0)
		ok(false, "make %s", path);
}

static void make_node(const char *name, mode_t mode)
{
	_cleanup_free_ char *path = path_join(root, name);

	if (mknod(path, mode, 0) < 0)
		ok(false, "make %s", path);
}

/* How a name is opened, and by which of the two ways. */
typedef int opener(const char *dir, const char *name, uint64_t max, struct stat *ret,
	struct error *err);

/* Returns the first letter of what is read through the descriptor, or a negative errno. */
static int read_letter(opener *open_name, const char *name)
{
	_cleanup_(error_done) struct error err = {0};
	_cleanup_close_ int fd = open_name(top, name, 100, NULL, &err);
	char c = 0;

	if (fd < 0) {
		if (!err.what || !strstr(err.what, path_base(name)))
			ok(false, "the error names %s: %s", name, err.what);
		return fd;
	}
	return read(fd, &c, 1) == 1 ? c : 0;
}

static const struct {
	const char *name;
	int with, without; /* what read_letter() returns, by openat2(2) and without */
} names[] = {
	{"file", 'f', 'f'},
	{"sub/file", 's', 's'},
	{"./sub//file", 's', 's'},
	{"none", -ENOENT, -ENOENT},
	{"file/none", -ENOTDIR, -ELOOP},
	{"sub", -EINVAL, -EINVAL},
	{".", -EINVAL, -EINVAL},
	{"fifo", -EINVAL, -EINVAL},
	{"large", -EFBIG, -EFBIG},
	{"sub/../file", 'f', -EXDEV},
	/* links within the directory */
	{"to-sub/file", 's', -ELOOP},
	{"sub/up/sub/file", 's', -ELOOP},
	{"to-file", -ELOOP, -ELOOP},
	{"endless/file", -ELOOP, -ELOOP},
	/* names that lead out of it */
	{"../secret", -EXDEV, -EXDEV},
	{"sub/../../secret", -EXDEV, -EXDEV},
	{"to-secret", -ELOOP, -ELOOP},
	{"out/secret", -EXDEV, -ELOOP},
	{"sub/out/secret", -EXDEV, -ELOOP},
	{"absolute/secret", -EXDEV, -ELOOP},
	{"back/file", -EXDEV, -ELOOP},
	{"proc/1/comm", -EXDEV, -ELOOP},
};

static void test_names(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int with = read_letter(beneath_open, names[i].name);
		int without = read_letter(beneath_open_without_openat2, names[i].name);

		ok(with == names[i].with, "open %s: %d", names[i].name, with);
		ok(without == names[i].without, "open %s without openat2: %d",
			names[i].name, without);
	}
	/* An absolute name does not begin at the root of the system. */
	is_int(read_letter(beneath_open, "/etc/passwd"), -ENOENT, "an absolute name");
	is_int(read_letter(beneath_open, "//sub/file"), 's', "slashes before a name");
	is_int(read_letter(beneath_open_without_openat2, "/etc/passwd"), -ENOENT,
		"an absolute name without openat2");
}

/* The link to a file of another user has that user's file behind it. */
static void test_owner(void)
{
	_cleanup_free_ char *other = path_join(root, "secret"),
			    *hard = path_join(top, "hard");
	_cleanup_(error_done) struct error err = {0};

	ok(link(other, hard) == 0, "make a hard link");
	is_int(read_letter(beneath_open, "hard"), 'o', "a hard link of one's own");
	if (getuid() != 0) {
		ok(true, "a hard link to a file of another user # SKIP needs root");
		return;
	}
	ok(chown(top, 65534, 65534) == 0, "the directory belongs to somebody else");
	is_int(beneath_open(top, "hard", 100, NULL, &err), -EPERM,
		"a hard link to a file of another user");
	ok(err.what && strstr(err.what, "/hard belongs to the user 0, and not to 65534"),
		"the error says whose it is: %s", err.what);
	ok(chown(top, 0, 0) == 0, "the directory belongs to root again");
}

static void test_read_and_copy(void)
{
	_cleanup_free_ char *to = path_join(root, "copy");
	_cleanup_(error_done) struct error err = {0}, full = {0};
	_cleanup_(str_done) struct str text = {0}, much = {0};
	struct statvfs fs;
	struct stat st;

	is_int(beneath_read(top, "to-sub/file", 100, &text, NULL), 0, "read a file");
	is(text.data, "sub", "its content");
	is_int(beneath_read(top, "large", 100, &much, &err), -EFBIG,
		"a file that is too large is not read");
	ok(err.what && strstr(err.what, "/large has 8796093022208 bytes, and at "
					"most 100 are expected"),
		"the error has both sizes: %s", err.what);
	is_int(beneath_copy(top, "to-sub/file", 100, to, 0640, NULL), 0, "copy a file");
	ok(stat(to, &st) == 0 && (st.st_mode & 07777) == 0640 && st.st_size == 3,
		"the copy has the given mode");
	is_int(beneath_copy(top, "fifo", 100, to, 0640, NULL), -EINVAL,
		"a FIFO is not copied");
	is_int(beneath_copy(top, "large", UINT64_C(8) << 40, to, 0640, &full), -ENOSPC,
		"a file that is larger than the free space is not copied");
	ok(full.what && strstr(full.what, "/large to ") && strstr(full.what, "No space left"),
		"the error names it: %s", full.what);
	ok(stat(to, &st) == 0 && st.st_size == 3, "the file that was there is kept");
	ok(statvfs(root, &fs) == 0 && fs.f_bavail, "the disk is not full");
}

static void test_parent(void)
{
	_cleanup_close_ int sub = beneath_open_parent(top, "sub/new"),
			    itself = beneath_open_parent(top, "new");

	ok(sub >= 0 && itself >= 0, "open the directory of a file that is to be made");
	is_int(beneath_open_parent(top, "to-sub/new"), -ENOTDIR, "not behind a link");
	is_int(beneath_open_parent(top, "out/new"), -ENOTDIR, "nor outside");
	is_int(beneath_open_parent(top, "../new"), -EXDEV, "nor by ..");
	is_int(beneath_open_parent(top, "file/new"), -ENOTDIR, "nor in a file");
	is_int(beneath_open_parent(top, "none/new"), -ENOENT, "nor in what is missing");
}

int main(void)
{
	_cleanup_free_ char *large = NULL;
	int fd;

	if (!mkdtemp(root))
		return 1;
	top = path_join(root, "top");
	make_file("secret", "other");
	make_dir("top");
	make_dir("top/sub");
	make_file("top/file", "file");
	make_file("top/sub/file", "sub");
	make_node("top/fifo", S_IFIFO | 0600);
	make_link("top/to-sub", "sub");
	make_link("top/to-file", "file");
	make_link("top/sub/up", "..");
	make_link("top/endless", "endless");
	make_link("top/to-secret", "../secret");
	make_link("top/out", "..");
	make_link("top/sub/out", "../..");
	make_link("top/absolute", root);
	make_link("top/back", "../top");
	make_link("top/proc", "/proc");
	large = path_join(top, "large");
	fd = open(large, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (ftruncate(fd, INT64_C(8) << 40) < 0)
		ok(false, "make a large file");
	close(fd);
	test_names();
	test_owner();
	test_read_and_copy();
	test_parent();
	dir_remove(root, NULL);
	free(top);
	return done_testing();
}
