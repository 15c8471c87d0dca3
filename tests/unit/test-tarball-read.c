/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads good archives, and hostile ones, of which nothing may come out. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "builder/archive/unpack.h"
#include "tests/unit/tarball.h"

static void test_links(void)
{
	static const struct {
		const char *path, *target;
		bool inside;
	} cases[] = {
		{"a", "b", true},
		{"a", ".", true},
		{"a", "./b/./c", true},
		{"a", "..", false},
		{"a", "../b", false},
		{"a", "/b", false},
		{"a", "b/..", false}, /* depends on whether b is a link */
		{"a/b", "..", true},
		{"a/b", "../c", true},
		{"a/b", "..//c/", true},
		{"a/b", "../..", false},
		{"a/b", "./../../c", false},
		{"a/b", "..c/d", true},
		{"a/b/c", "../../d", true},
		{"a/b/c", "../d/../e", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ok(link_stays_inside(cases[i].path, cases[i].target) == cases[i].inside,
			"%s -> %s leads %s", cases[i].path, cases[i].target,
			cases[i].inside ? "inside" : "outside");
}

static const struct row own[] = {{'d', "./"}, {'d', "./dkms_main_tree/"},
	{'d', "./dkms_main_tree/6.1/x86_64/module"},
	{'f', "./dkms_main_tree/6.1/x86_64/module/m.ko", "module"},
	{'f', "./dkms_main_tree/6.1/x86_64/log/make.log", "log"},
	{'d', "dkms_main_tree/6.2/x86_64"}, {'f', "./dkms_source_tree/dkms.conf", "conf"},
	{'l', "./dkms_source_tree/sub/link", "../dkms.conf"},
	{'h', "./dkms_source_tree/hard", "dkms_source_tree/dkms.conf"}, {0}};

static void check_own(const char *what)
{
	struct tarball t = {0};
	struct error e = {0};
	int r = load(&t, &e);
	_cleanup_free_ char *module = text_of("dkms_main_tree/6.1/x86_64/module/m.ko");
	_cleanup_free_ char *link = text_of("dkms_source_tree/sub/link");
	_cleanup_free_ char *hard = text_of("dkms_source_tree/hard");

	ok(r == 0 && t.made_by_dkms && !t.binaries_only && t.kernels.n == 1 &&
			streq(t.kernels.items[0].release, "6.1") &&
			streq(t.kernels.items[0].arch, "x86_64") && t.warnings.n == 1,
		"compat 2: ldtarball reads %s", what);
	if (r < 0)
		printf("# %s\n", e.what);
	is(module, "module", "the module of the archive");
	ok(link && hard && streq(link, "conf") && streq(hard, "conf"),
		"the links of the archive");
	tarball_done(&t);
	error_done(&e);
}

static void test_formats(void)
{
	pack_by(archive_write_add_filter_none, own);
	check_own("plain tar");
	pack_by(archive_write_add_filter_gzip, own);
	check_own("gzip");
	pack_by(archive_write_add_filter_xz, own);
	check_own("xz");
	pack_by(archive_write_add_filter_zstd, own);
	check_own("zstd");
	pack_by(archive_write_add_filter_bzip2, own);
	check_own("bzip2");
}

static void test_modes(void)
{
	struct tarball t = {0};
	struct stat st;
	struct archive *a = open_tar(archive_write_add_filter_none);
	struct archive_entry *e = archive_entry_new();
	_cleanup_free_ char *file = path_join(out, "s/dkms.conf");
	_cleanup_free_ char *dir = path_join(out, "s");

	archive_entry_set_pathname(e, "s");
	archive_entry_set_mode(e, AE_IFDIR | 07777);
	archive_write_header(a, e);
	archive_entry_set_pathname(e, "s/dkms.conf");
	archive_entry_set_mode(e, AE_IFREG | 0777);
	archive_entry_set_uid(e, 4711);
	archive_entry_set_mtime(e, 1234567890, 0);
	archive_write_header(a, e);
	archive_entry_free(e);
	archive_write_free(a);
	is_int(load(&t, NULL), 0, "a source that everybody can write");
	ok(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0755,
		"only the owner can write the directory");
	ok(stat(file, &st) == 0 && (st.st_mode & 07777) == 0755 && st.st_uid == geteuid(),
		"only the owner can write the file");
	is_int(st.st_mtime, 1234567890, "the file keeps its time, which make needs");
	tarball_done(&t);
}

static void test_hostile_names(void)
{
	char wide[302] = "a/", deep[2 * 70 + 2] = "";
	struct str longest = {0};

	REFUSED(3, "..", "a name with ..", {'f', "../evil", "x"}, {'f', "dkms.conf"});
	REFUSED(3, "..", "a name with .. inside", {'f', "a/../../evil", "x"});
	REFUSED(3, "..", "a name that ends in ..", {'d', "a/.."});
	REFUSED(3, "absolute", "an absolute path", {'f', "/evil", "x"},
		{'f', "dkms.conf"});
	REFUSED(3, "a\\x0ab", "a name with a newline", {'f', "dkms.conf"}, {'f', "a\nb"});
	REFUSED(3, "\\x1b[2J", "a name that a terminal obeys", {'f', "\033[2J"});
	memset(wide + 2, 'w', 299);
	REFUSED(3, "too long", "a name of 300 characters", {'f', "dkms.conf"},
		{'f', wide});
	for (size_t i = 0; i < 70; i++)
		strcat(deep, "d/");
	REFUSED(3, "too many dir", "70 directories in each other", {'d', deep});
	for (size_t i = 0; i < 30; i++)
		str_add(&longest, "directory-of-many-characters-with-more-of-them/");
	REFUSED(3, "too long", "a path of 1,400 characters", {'f', longest.data});
	REFUSED(3, "not a directory", "a file in the place of the directory", {'f', "."});
	str_done(&longest);
}

static void test_hostile_types(void)
{
	REFUSED(3, "dev is neither", "a device", {'f', "dkms.conf"}, {'c', "dev"});
	REFUSED(3, "pipe is neither", "a named pipe", {'f', "dkms.conf"}, {'p', "pipe"});
	REFUSED(3, "su is setuid", "a setuid file", {'f', "dkms.conf"}, {'s', "su", "x"});
	REFUSED(3, "twice", "a file that is in it twice", {'f', "dkms.conf", "a"},
		{'f', "./dkms.conf", "b"});
	REFUSED(3, "twice", "a file that is a directory as well", {'f', "dkms.conf"},
		{'f', "a"}, {'f', "a/b"});
	REFUSED(3, "twice", "a directory that is a file as well", {'f', "dkms.conf"},
		{'f', "a/b"}, {'f', "a"});
}

static void test_hostile_links(void)
{
	char outside[128], file[128];

	snprintf(outside, sizeof(outside), "%s/other", root);
	snprintf(file, sizeof(file), "%s/other/file", root);
	dir_make(outside, NULL);
	REFUSED(3, "leads out", "a link to an absolute path", {'f', "dkms.conf"},
		{'l', "a", "/etc/passwd"});
	REFUSED(3, "leads out", "a link with too many ..", {'f', "dkms.conf"},
		{'l', "a/b", "../../evil"});
	REFUSED(3, "leads out", "a link out of the source, inside the archive",
		{'f', "src/dkms.conf"}, {'f', "other/file"},
		{'l', "src/a", "../other/file"});
	REFUSED(3, "leads out", "a link beside the source", {'f', "src/dkms.conf"},
		{'l', "a", "/etc/passwd"});
	REFUSED(3, "leads out", "a link out by way of another", {'f', "dkms.conf"},
		{'l', "a", "."}, {'l', "b", "a/a/../../evil"});
	REFUSED(3, "leads out", "a file through a link", {'f', "dkms.conf"},
		{'l', "a", outside}, {'f', "a/evil", "x"});
	REFUSED(3, "twice", "a file through a link that stays inside", {'f', "dkms.conf"},
		{'d', "b"}, {'l', "a", "b"}, {'f', "a/evil", "x"});
	REFUSED(3, "twice", "a link in the place of a file", {'f', "dkms.conf"},
		{'f', "a"}, {'l', "a", "dkms.conf"});
	REFUSED(3, "leads nowhere", "a link that holds nothing", {'f', "dkms.conf"},
		{'l', "a", ""});
	file_write(file, "secret", 6, 0600, NULL);
	REFUSED(3, "absolute", "a hard link to an absolute path", {'f', "dkms.conf"},
		{'h', "a", file});
	REFUSED(3, "..", "a hard link out", {'f', "dkms.conf"},
		{'h', "a", "../other/file"});
	REFUSED(3, "no file", "a hard link to nothing", {'f', "dkms.conf"},
		{'h', "a", "other/file"});
	REFUSED(3, "no file", "a hard link to what comes later",
		{'h', "a", "a hard link to a later entry"}, {'f', "dkms.conf"});
	REFUSED(3, "no file", "a hard link to a link", {'f', "dkms.conf"},
		{'l', "a", "dkms.conf"}, {'h', "b", "a"});
	REFUSED(3, "no file", "a hard link through a link", {'f', "dkms.conf"},
		{'l', "a", outside}, {'h', "b", "a/file"});
	ok(dir_remove(file, NULL) == 0 && rmdir(outside) == 0,
		"no file was made outside");
}

static void test_confs(void)
{
	struct tarball t = {0};

	REFUSED(3, "no dkms.conf", "compat 9: an archive without dkms.conf",
		{'f', "a/Makefile"});
	REFUSED(3, "no dkms.conf", "a dkms.conf that is a directory", {'d', "dkms.conf"});
	REFUSED(7, "two dkms.conf: a/dkms.conf and b/dkms.conf", "two confs",
		{'f', "a/dkms.conf"}, {'f', "b/dkms.conf"});
	REFUSED(7, "two dkms.conf", "two confs, one of them deeper", {'f', "a/dkms.conf"},
		{'f', "b/c/dkms.conf"});
	REFUSED(7, "dkms.conf is a link", "a dkms.conf that is a link", {'f', "other"},
		{'l', "dkms.conf", "other"});
	REFUSED(7, "no dkms_source_tree", "compat 9: dkms_main_tree and no dkms.conf",
		{'d', "dkms_main_tree"}, {'f', "dkms_source_tree/Makefile"});
	REFUSED(7, "no dkms_source_tree", "dkms_main_tree and a dkms.conf elsewhere",
		{'d', "dkms_main_tree"}, {'f', "dkms.conf"});
	REFUSED(7, "two dkms.conf", "source and binaries only", {'d', "dkms_main_tree"},
		{'f', "dkms_source_tree/dkms.conf"},
		{'f', "dkms_binaries_only/dkms.conf"});
	REFUSED(7, "is a link", "a linked dkms.conf of binaries", {'d', "dkms_main_tree"},
		{'f', "a"}, {'l', "dkms_binaries_only/dkms.conf", "../a"});

	pack((const struct row[]){
		{'f', "x/y/dkms.conf"}, {'f', "x/y/tests/dkms.conf"}, {0}});
	ok(load(&t, NULL) == 0 && has_suffix(t.source, "/x/y") && !t.made_by_dkms,
		"a dkms.conf below another one is part of the source");
	tarball_done(&t);
}

static void test_kernels(void)
{
	REFUSED(3, "no kernel can be called build", "a kernel called build",
		{'f', "dkms_source_tree/dkms.conf"},
		{'d', "dkms_main_tree/build/x/module"});
	REFUSED(3, "begins with a dot", "a kernel that is hidden",
		{'f', "dkms_source_tree/dkms.conf"}, {'d', "dkms_main_tree/.k/x/module"});
	REFUSED(3, "begins with a dot", "an architecture that is hidden",
		{'f', "dkms_source_tree/dkms.conf"}, {'d', "dkms_main_tree/k/.x/module"});
	REFUSED(3, "m.ko is a link", "a module that is a link",
		{'f', "dkms_source_tree/dkms.conf"}, {'f', "dkms_source_tree/m.ko"},
		{'l', "dkms_main_tree/6.1/x86_64/module/m.ko",
			"../../../../dkms_source_tree/m.ko"});
}

/* An archive that is cut off anywhere is refused, unless nothing is missing. */
static void test_cut(int (*filter)(struct archive *), const char *what)
{
	_cleanup_(str_done) struct str bytes = {0};
	int wrong = 0, refusals = 0;
	size_t len;

	pack_by(filter, own);
	file_read(tar, 1 << 20, &bytes, NULL);
	len = bytes.len;
	for (size_t cut = 0; cut<len; cut += len> 4000 ? 97 : 1) {
		struct tarball t = {0};
		struct error e = {0};
		_cleanup_free_ char *hard = NULL;

		file_write(tar, bytes.data, cut, 0600, NULL);
		if (load(&t, &e) < 0) {
			refusals++;
			wrong += e.status != 3;
		} else {
			hard = text_of("dkms_source_tree/hard");
			wrong += !hard || !streq(hard, "conf");
		}
		tarball_done(&t);
		error_done(&e);
	}
	ok(wrong == 0 && refusals > 0, "cut off: %s (refused %d times, wrong %d times)",
		what, refusals, wrong);
}

static void test_cut_between_files(void)
{
	_cleanup_(str_done) struct str bytes = {0};

	pack((const struct row[]){
		{'f', "dkms.conf", "conf"}, {'f', "Makefile", "text"}, {0}});
	file_read(tar, 1 << 20, &bytes, NULL);
	file_write(tar, bytes.data, 1024, 0600, NULL);
	refused(3, "end is missing", "cut off after a file");
}

/* A changed byte of a gzip file is refused, unless it does not matter. */
static void test_flipped(void)
{
	_cleanup_(str_done) struct str bytes = {0};
	int wrong = 0, refusals = 0;

	pack_by(archive_write_add_filter_gzip, own);
	file_read(tar, 1 << 20, &bytes, NULL);
	for (size_t i = 0; i < bytes.len; i++) {
		struct tarball t = {0};
		_cleanup_free_ char *module = NULL;

		bytes.data[i] ^= 0x10;
		file_write(tar, bytes.data, bytes.len, 0600, NULL);
		if (load(&t, NULL) < 0) {
			refusals++;
		} else {
			module = text_of("dkms_main_tree/6.1/x86_64/module/m.ko");
			wrong += !module || !streq(module, "module");
		}
		tarball_done(&t);
		bytes.data[i] ^= 0x10;
	}
	ok(wrong == 0 && refusals > (int)bytes.len / 2,
		"a changed byte in a gzip (refused %d times, wrong %d times)", refusals,
		wrong);
}

static void test_not_archives(void)
{
	static const char text[] = "#!/bin/sh\nthis is no archive\n";
	char zeros[2048] = {0};

	file_write(tar, text, sizeof(text) - 1, 0600, NULL);
	refused(3, "not a tar archive", "a file that is not an archive");
	file_write(tar, "", 0, 0600, NULL);
	refused(3, "is empty", "an empty file");
	file_write(tar, zeros, sizeof(zeros), 0600, NULL);
	refused(3, "no dkms.conf", "an archive without files");
	unlink(tar);
	refused(2, "there is no archive", "compat 9: a missing archive");
	mkdir(tar, 0755);
	refused(2, "is not a regular file", "a directory");
	rmdir(tar);
	mkfifo(tar, 0600);
	refused(2, "is not a regular file", "a named pipe instead of an archive");
	unlink(tar);
}

static void test_limits(void)
{
	struct archive *a = open_tar(archive_write_add_filter_gzip);
	struct archive_entry *e;
	char name[UNPACK_NAME_MAX];
	struct tarball t = {0};
	struct error err = {0};

	for (int i = 0; i <= UNPACK_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "d%d/%d", i % 100, i);
		put(a, 'd', i % 100 ? "d" : "e", NULL);
	}
	archive_write_free(a);
	refused(3, "more than 100000 files", "100,001 entries");

	a = open_tar(archive_write_add_filter_gzip);
	for (int i = 0; i < 1 + UNPACK_ENTRIES_MAX / (UNPACK_DEPTH_MAX - 1); i++) {
		int n = snprintf(name, sizeof(name), "%d", i);

		for (int depth = 1; depth < UNPACK_DEPTH_MAX; depth++)
			n += snprintf(name + n, sizeof(name) - (size_t)n, "/d");
		put(a, 'd', name, NULL);
	}
	put(a, 'f', "dkms.conf", NULL);
	archive_write_free(a);
	refused(3, "more than 100000 files", "as many directories from few entries");

	a = archive_write_new();
	archive_write_set_format_pax(a);
	archive_write_open_filename(a, tar);
	e = archive_entry_new();
	archive_entry_set_pathname(e, "hole");
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_size(e, 5LL << 30);
	archive_entry_sparse_add_entry(e, 0, 512);
	archive_write_header(a, e);
	archive_write_data(a, name, 512);
	archive_entry_free(e);
	put(a, 'f', "dkms.conf", NULL);
	archive_write_free(a);
	ok(load(&t, &err) < 0 && strstr(err.what, "more than 4 GiB") && err.remedy &&
			strstr(err.remedy, "dkms add DIRECTORY"),
		"a sparse file of 5 GiB; the error has a remedy");
	error_done(&err);
}

static void test_cancelled(void)
{
	struct tarball t = {0};
	struct error e = {0};
	int cancelled = 2;

	pack(own);
	fresh_out();
	is_int(tarball_read(tar, out, &cancelled, &t, &e), -ECANCELED,
		"a signal cancels the reading");
	error_done(&e);
}

int main(void)
{
	if (!make_root())
		return 1;
	test_links();
	test_formats();
	test_modes();
	test_hostile_names();
	test_hostile_types();
	test_hostile_links();
	test_confs();
	test_kernels();
	test_cut(archive_write_add_filter_none, "plain");
	test_cut(archive_write_add_filter_gzip, "gzip");
	test_cut(archive_write_add_filter_xz, "xz");
	test_cut(archive_write_add_filter_zstd, "zstd");
	test_cut(archive_write_add_filter_bzip2, "bzip2");
	test_cut_between_files();
	test_flipped();
	test_not_archives();
	test_limits();
	test_cancelled();
	remove_root();
	return done_testing();
}
