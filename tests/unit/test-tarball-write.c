/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes archives, and reads them again. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "builder/archive/tarball-write.h"
#include "tests/unit/tarball.h"

static int write_one(const char *name, const char *conf, struct strv *warnings)
{
	_cleanup_free_ char *source = path_join(root, "source");
	_cleanup_free_ char *version_dir = path_join(root, "version");
	struct kernel_names kernels = {0};
	struct tarball_content c = {"hello", "1.0", source, conf, version_dir, &kernels};
	struct error e = {0};
	int r;

	free(tar);
	tar = path_join(root, name);
	kernel_names_push(&kernels, "6.1", "x86_64");
	kernel_names_push(&kernels, "6.2", "x86_64");
	r = tarball_write(tar, &c, NULL, warnings, &e);
	if (r < 0)
		printf("# %s\n", e.what);
	error_done(&e);
	kernel_names_done(&kernels);
	return r;
}

static void make_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(root, name);
	_cleanup_free_ char *dir = xstrndup(path, (size_t)(path_base(path) - path));

	dir_make(dir, NULL);
	file_write(path, text, strlen(text), 0644, NULL);
}

/* Makes a source, and a version that is built for two kernels. The tests below pack both.
 */
static void make_version(void)
{
	_cleanup_free_ char *link = path_join(root, "source/sub/link");

	make_file("source/dkms.conf", "conf");
	make_file("source/sub/a long name, with blanks; and more than a hundred "
		  "characters, "
		  "as some header format of the past cannot hold",
		"text");
	make_file("version/6.1/x86_64/module/m.ko", "one");
	make_file("version/6.2/x86_64/module/m.ko", "two");
	if (symlink("../dkms.conf", link) < 0)
		ok(false, "make a link");
}

static void test_write_formats(void)
{
	static const char *const names[] = {"x.tar", "x.tar.gz", "x.tgz", "x.tar.xz",
		"x.tar.zst", "x.tar.bz2", "x.any"};
	_cleanup_free_ char *first = path_join(root, "first.tar.gz");
	_cleanup_(strv_done) struct strv warnings = {0};
	_cleanup_(str_done) struct str magic = {0};
	struct tarball t = {0};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *two = NULL, *linked = NULL;

		is_int(write_one(names[i], NULL, &warnings), 0, names[i]);
		is_int(load(&t, NULL), 0, "the archive can be read again");
		two = text_of("dkms_main_tree/6.2/x86_64/module/m.ko");
		linked = text_of("dkms_source_tree/sub/link");
		ok(two && streq(two, "two") && linked && streq(linked, "conf") &&
				t.kernels.n == 2,
			"%s: all files are there", names[i]);
		tarball_done(&t);
	}
	is_int((long)warnings.n, 0, "no warnings");
	write_one("x.txz", NULL, &warnings);
	file_read(tar, 1 << 20, &magic, NULL);
	ok(magic.len > 6 && memcmp(magic.data,
				    "\xfd"
				    "7zXZ",
				    6) == 0,
		"the name gives the compression");

	write_one("first.tar.gz", NULL, &warnings);
	sleep(1);
	write_one("second.tar.gz", NULL, &warnings);
	is_int(file_same_bytes(first, tar), 1, "the same content gives the same bytes");
}

static void test_write_binaries_only(void)
{
	_cleanup_free_ char *conf = path_join(root, "source/dkms.conf");
	_cleanup_free_ char *name = NULL, *version = NULL;
	_cleanup_(strv_done) struct strv warnings = {0};
	struct tarball t = {0};

	is_int(write_one("b.tar.gz", conf, &warnings), 0, "an archive of binaries only");
	ok(load(&t, NULL) == 0 && t.binaries_only && t.kernels.n == 2,
		"it can be read again");
	name = text_of("dkms_binaries_only/PACKAGE_NAME");
	version = text_of("dkms_binaries_only/PACKAGE_VERSION");
	is(name, "hello\n", "compat 2: PACKAGE_NAME");
	is(version, "1.0\n", "compat 2: PACKAGE_VERSION");
	tarball_done(&t);
}

static void test_write_link_out(void)
{
	_cleanup_free_ char *link = path_join(root, "source/sub/link");
	_cleanup_(strv_done) struct strv warnings = {0};

	unlink(link);
	if (symlink("/etc/passwd", link) < 0)
		ok(false, "make a link");
	write_one("out.tar.gz", NULL, &warnings);
	ok(warnings.n == 1 && strstr(warnings.items[0], "sub/link leads out"),
		"packing warns of a link that leads outside");
	refused(3, "leads out", "unpacking refuses that link");
}

static void test_write_errors(void)
{
	struct strv warnings = {0}, left = {0};
	struct kernel_names none = {0}, kernels = {0};
	_cleanup_free_ char *source = path_join(root, "source");
	_cleanup_free_ char *version_dir = path_join(root, "version");
	struct tarball_content c = {"hello", "1.0", source, NULL, version_dir, &none};
	struct error e = {0};

	is_int(tarball_write("/dev/null", &c, NULL, &warnings, &e), -EINVAL,
		"a device file is not replaced");
	is_int(e.status, 9, "compat 9: a destination that cannot be written");
	error_done(&e);
	ok(tarball_write("/proc/x.tar", &c, NULL, &warnings, &e) < 0 && e.status == 9,
		"compat 9: a directory without write permission");
	error_done(&e);
	dir_remove(out, NULL);
	dir_make(out, NULL);
	free(tar);
	tar = path_join(out, "x.tar");
	kernel_names_push(&kernels, "6.9", "x86_64");
	c.kernels = &kernels;
	ok(tarball_write(tar, &c, NULL, &warnings, &e) < 0 && e.status == 6 &&
			strstr(e.what, "6.9"),
		"a missing kernel cannot be packed");
	error_done(&e);
	dir_list(out, &left);
	is_int((long)left.n, 0, "no part of an archive is left");
	strv_done(&left);
	strv_done(&warnings);
	kernel_names_done(&kernels);
}

int main(void)
{
	if (!make_root())
		return 1;
	make_version();
	test_write_formats();
	test_write_binaries_only();
	test_write_link_out();
	test_write_errors();
	remove_root();
	return done_testing();
}
