/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What module files contain, which of two modules is newer, and whether a kernel would
 * load them. Uses the modules of tests/modules. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/module/compress.h"
#include "builder/module/modfile.h"
#include "tests/modules/compile.h"
#include "tests/unit/tap.h"

#define RELEASE "6.1.0-test"

static char root[] = "/tmp/dkms-test-XXXXXX";

/* Returns a path below root. Caller frees. */
static char *in_root(const char *name)
{
	return path_join(root, name);
}

/* Builds root/name from a source of tests/modules. Caller frees the path. */
static char *build(const char *name, const char *source, const char *defines)
{
	char *path = in_root(name);

	if (!compile_module(path, source, defines))
		ok(false, "build %s", path);
	return path;
}

static char *compressed(const char *path, enum compression how)
{
	char *to = xasprintf("%s%s", path, compression_suffix(how));

	if (compress_file(path, to, how, NULL, NULL) < 0)
		ok(false, "compress %s", to);
	return to;
}

static void check_read(const char *path)
{
	struct modfile m = {0};
	struct error e = {0};

	ok(modfile_read(path, &m, &e) == 0, "%s: %s", path_base(path),
		e.what ? e.what : "read");
	is(m.version, "1.2-rc1", "version");
	is(m.srcversion, "ABCDEF0123456789", "srcversion");
	is(m.vermagic, RELEASE " SMP preempt mod_unload modversions ", "vermagic");
	is(m.signer, NULL, "no signer");
	modfile_done(&m);
	error_done(&e);
}

static void *read_often(void *path)
{
	for (int i = 0; i < 100; i++) {
		struct modfile m = {0};

		if (modfile_read(path, &m, NULL) < 0 || !m.version)
			return path;
		modfile_done(&m);
	}
	return NULL;
}

static void test_read(void)
{
	_cleanup_free_ char *plain = build("plain-one.ko", "plain",
		"VERSION=1.2-rc1 SRCVERSION=ABCDEF0123456789 RELEASE=" RELEASE);
	_cleanup_free_ char *bare = build("bare.ko", "plain", "");
	_cleanup_free_ char *empty = build("empty.ko", "plain", "VERSION= SRCVERSION=");
	struct modfile m = {0};
	pthread_t threads[4];

	check_read(plain);
	for (int how = COMPRESSION_GZIP; how <= COMPRESSION_ZSTD; how++) {
		_cleanup_free_ char *packed = compressed(plain, (enum compression)how);

		check_read(packed);
	}
	is_int(modfile_read(bare, &m, NULL), 0, "a module without fields");
	ok(!m.version && !m.srcversion && !m.vermagic && !m.signer,
		"all fields are NULL");
	modfile_done(&m);
	is_int(modfile_read(empty, &m, NULL), 0, "a module with empty versions");
	ok(!m.version && !m.srcversion, "empty versions are NULL");
	modfile_done(&m);

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, read_often, plain);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *failed = NULL;

		pthread_join(threads[i], &failed);
		ok(!failed, "a hundred reads in parallel");
	}
}

/* Appends what scripts/sign-file appends: name, key, signature, lengths and a line of
 * text. */
static void test_signer(void)
{
	static const char signature[] = "Playground key"
					"keyid"
					"signature"
					"\1\4\1\16\5\0\0\0\0\0\0\11"
					"~Module signature appended~\n";
	_cleanup_free_ char *path = build("signed.ko", "plain", "VERSION=1.0");
	struct str s = {0};
	struct modfile m = {0};

	is_int(file_read(path, 1 << 20, &s, NULL), 0, "read the module");
	str_add_bytes(&s, signature, sizeof(signature) - 1);
	is_int(file_write(path, s.data, s.len, 0644, NULL), 0, "append a signature");
	str_done(&s);
	is_int(modfile_read(path, &m, NULL), 0, "a signed module");
	is(m.signer, "Playground key", "signer");
	is(m.version, "1.0", "version");
	modfile_done(&m);
}

static void check_no_module(const char *path, int code)
{
	struct modfile m = {0};
	struct error e = {0};

	is_int(modfile_read(path, &m, &e), code, path_base(path));
	ok(e.what && strstr(e.what, path) && e.status == 1, "%s",
		e.what ? e.what : "(null)");
	ok(!m.version && !m.vermagic, "no field is set");
	error_done(&e);
}

static void test_no_module(void)
{
	_cleanup_free_ char *module = build("whole.ko", "plain", "VERSION=1.0");
	_cleanup_free_ char *missing = in_root("missing.ko");
	_cleanup_free_ char *text = in_root("text.ko");
	_cleanup_free_ char *nothing = in_root("nothing.ko");
	_cleanup_free_ char *cut = in_root("cut.ko");
	_cleanup_free_ char *dir = in_root("dir.ko");
	_cleanup_free_ char *packed = compressed(module, COMPRESSION_GZIP);
	struct str s = {0};
	struct stat st;

	check_no_module(missing, -ENOENT);
	file_write(text, "this is no ELF file at all", 26, 0644, NULL);
	check_no_module(text, -EBADMSG);
	file_write(nothing, "", 0, 0644, NULL);
	check_no_module(nothing, -EBADMSG);
	dir_make(dir, NULL);
	check_no_module(dir, -EBADMSG);
	ok(stat(packed, &st) == 0 && truncate(packed, st.st_size / 2) == 0,
		"cut off the end of a .gz file");
	check_no_module(packed, -EBADMSG);
	if (file_read(module, 1 << 20, &s, NULL) == 0)
		for (size_t n = 0; n < s.len; n += 40) {
			struct modfile m = {0};

			file_write(cut, s.data, n, 0644, NULL);
			if (modfile_read(cut, &m, NULL) != -EBADMSG)
				ok(false, "cut to %zu of %zu bytes", n, s.len);
			modfile_done(&m);
		}
	str_done(&s);
	check_no_module(cut, -EBADMSG);
}

static void test_is_newer(void)
{
	/* The defines of OLD and of NEW, and whether NEW replaces it. */
	static const struct {
		const char *old, *new;
		int newer;
	} cases[] = {
		{"VERSION=1.9", "VERSION=1.10", 1}, {"VERSION=1.10", "VERSION=1.9", 0},
		{"VERSION=2.0 SRCVERSION=AAAA", "VERSION=2.0 SRCVERSION=AAAA", 0},
		{"VERSION=2.0 SRCVERSION=AAAA CONTENT=x", "VERSION=2.0 SRCVERSION=AAAA",
			0},
		{"VERSION=2.0 SRCVERSION=AAAA", "VERSION=2.0 SRCVERSION=BBBB", 1},
		{"VERSION=2.0 SRCVERSION=BBBB", "VERSION=2.0 SRCVERSION=AAAA", 1},
		{"VERSION=2.0 SRCVERSION=AAAA", "VERSION=1.0 SRCVERSION=BBBB", 0},
		{"VERSION=2.0 CONTENT=x", "VERSION=2.0", 0},
		{"VERSION=1.0", "VERSION=1.00", 1},
		/* Only one module has a version. */
		{"", "VERSION=1.0", 1}, {"VERSION=1.0", "", 0},
		{"VERSION=1.0 SRCVERSION=AAAA", "SRCVERSION=BBBB", 0},
		/* Neither module has a version. */
		{"SRCVERSION=AAAA", "SRCVERSION=AAAA", 0},
		{"SRCVERSION=AAAA CONTENT=x", "SRCVERSION=AAAA", 0},
		{"SRCVERSION=AAAA", "SRCVERSION=BBBB", 1}, {"", "SRCVERSION=BBBB", 1},
		{"", "", 0}, {"", "CONTENT=x", 1},
		{"VERSION=", "", 1}, /* .modinfo differs, so the bytes differ */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *old = build("old.ko", "plain", cases[i].old);
		_cleanup_free_ char *new = build("new.ko", "plain", cases[i].new);
		int r = modfile_should_replace(new, old, NULL);

		ok(r == cases[i].newer, "'%s' %s '%s'", cases[i].new,
			cases[i].newer ? "replaces" : "does not replace", cases[i].old);
		unlink(old);
		unlink(new);
	}
}

static void test_is_newer_by_bytes(void)
{
	_cleanup_free_ char *old = build("same.ko", "plain", "");
	_cleanup_free_ char *other = build("other.ko", "plain", "CONTENT=x");
	_cleanup_free_ char *missing = in_root("missing.ko");
	_cleanup_free_ char *text = in_root("text.ko");
	_cleanup_free_ char *xz = compressed(old, COMPRESSION_XZ);
	_cleanup_free_ char *gz = compressed(old, COMPRESSION_GZIP);
	_cleanup_free_ char *zst = compressed(other, COMPRESSION_ZSTD);
	struct error e = {0};

	is_int(modfile_should_replace(xz, old, NULL), 0,
		"the same bytes, one of them compressed");
	is_int(modfile_should_replace(gz, xz, NULL), 0,
		"the same bytes in two compression formats");
	is_int(modfile_should_replace(zst, xz, NULL), 1, "other bytes, compressed");
	is_int(modfile_should_replace(old, missing, NULL), 1,
		"a module is newer than a missing file");
	is_int(modfile_should_replace(old, text, NULL), 1,
		"a module is newer than a file that is no module");
	is_int(modfile_should_replace(text, old, &e), -EBADMSG,
		"a file that is no module is an error");
	ok(e.what && strstr(e.what, "text.ko"), "%s", e.what ? e.what : "(null)");
	error_done(&e);
}

/* Calls modfile_check_for_kernel() for the modules and symvers files that the words name, all below
 * root, and compares the problems, which are joined by line ends. */
static void check_problems(
	const char *modules, const char *symvers, const char *want, const char *what)
{
	_cleanup_(strv_done) struct strv names = {0}, paths = {0}, files = {0},
					 found = {0};
	_cleanup_free_ char *got = NULL;
	struct error e = {0};

	strv_split(&names, modules);
	for (size_t i = 0; i < names.n; i++)
		strv_take(&paths, in_root(names.items[i]));
	strv_done(&names);
	strv_split(&names, symvers);
	for (size_t i = 0; i < names.n; i++)
		strv_take(&files, in_root(names.items[i]));
	if (modfile_check_for_kernel(&paths, RELEASE, &files, &found, &e) < 0)
		ok(false, "%s",
			e.what ? e.what : "modfile_check_for_kernel without a word");
	got = strv_join(&found, "\n");
	is(got, want, what);
	error_done(&e);
}

static void write_symvers(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_root(name);

	if (file_write(path, text, strlen(text), 0644, NULL) < 0)
		ok(false, "write %s", path);
}

/* Builds the modules that the tests of modfile_check_for_kernel() name. */
static void build_modules_to_check(void)
{
	free(build("provider.ko", "provider", "RELEASE=" RELEASE));
	free(build("user.ko", "user", "RELEASE=" RELEASE));
	free(build("stale.ko", "user", "RELEASE=" RELEASE " ANSWER_CRC=0x99999999"));
	free(build("elsewhere.ko", "user", "RELEASE=6.1.0-tester ANSWER_CRC=0x99999999"));
	free(build("nowhere.ko", "user", ""));
	free(build("shorter.ko", "user", "RELEASE=6.1.0-tes"));
}

/* Writes the Module.symvers files of kernels and of other packages that these tests name.
 */
static void write_symvers_to_check(void)
{
	write_symvers("kernel",
		"0x33333333\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x11111111\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x00000001\tother\tdrivers/other\tEXPORT_SYMBOL_GPL\tNS\n");
	write_symvers("kernel-layout",
		"0x44444444\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
		"0x11111111\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
	write_symvers("kernel-no-crc", "0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
	write_symvers("dependency", "0x22222222\tprovider_answer\t/build/provider\t"
				    "EXPORT_SYMBOL\t\n");
	write_symvers(
		"dependency-old", "0x22222222\tprovider_answer\tprovider\tEXPORT_SYMBOL");
	write_symvers("dependency-other", "0x55555555\tprovider_answer\tprovider\t"
					  "EXPORT_SYMBOL\n");
	write_symvers("dependency-extra", "0x66666666\tprovider_extra\tprovider\t"
					  "EXPORT_SYMBOL\n");
	write_symvers("garbage", "\n\n0x\n\t\t\t\nmodule_layout\n\x01\x02");
}

static void test_check_without_problems(void)
{
	check_problems("provider.ko", "kernel", "", "all symbols exist");
	check_problems("user.ko provider.ko", "kernel", "",
		"another module of the package exports the symbol");
	check_problems("user.ko", "kernel dependency", "", "another package exports it");
	check_problems("user.ko", "dependency-old kernel", "",
		"a line without a newline and without a namespace");
	check_problems("user.ko", "kernel missing garbage dependency", "",
		"missing and bad symvers files are ignored");
	check_problems("user.ko", "kernel dependency dependency-extra", "",
		"a weak symbol without a recorded CRC");
	check_problems("user.ko", "kernel dependency-other dependency", "",
		"the last file has the right CRC");
	check_problems("user.ko", "kernel dependency dependency-other", "",
		"the first file has the right CRC");
	check_problems("provider.ko", "kernel-no-crc", "", "a kernel without CRCs");
	check_problems(
		"user.ko", "", "", "without the kernel's symvers no symbol is unknown");
	check_problems("user.ko", "dependency-extra", "",
		"nor with the symvers of another package only");
	check_problems("", "kernel", "", "no modules");
}

static void test_check_problems(void)
{
	check_problems("user.ko", "kernel", "user.ko: unknown symbols: provider_answer",
		"an unknown symbol; a weak symbol may be unknown");
	check_problems("user.ko", "kernel dependency-other",
		"user.ko: symbols that have another CRC in this kernel: "
		"provider_answer",
		"another CRC");
	check_problems("user.ko provider.ko stale.ko", "kernel",
		"stale.ko: symbols that have another CRC in this kernel: "
		"provider_answer",
		"only the module with the old CRC is reported");
	check_problems("provider.ko", "kernel-layout",
		"provider.ko: symbols that have another CRC in this kernel: "
		"module_layout",
		"another module_layout");
	check_problems("elsewhere.ko nowhere.ko provider.ko shorter.ko", "kernel",
		"elsewhere.ko: built for 6.1.0-tester, not for " RELEASE "\n"
		"nowhere.ko: has no vermagic\n"
		"shorter.ko: built for 6.1.0-tes, not for " RELEASE,
		"modules for other kernels");
}

/* Many symbols: the table is sorted and grows. */
static void test_check_many_symbols(void)
{
	_cleanup_(str_done) struct str s = {0};

	for (int i = 0; i < 30000; i++)
		str_addf(&s, "0x%08x\tsymbol_%d\tvmlinux\tEXPORT_SYMBOL\t\n", i + 1,
			i * 7919);
	str_add(&s, "0x11111111\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
	write_symvers("large", s.data);
	check_problems("provider.ko", "large", "", "the last of 30,001 lines");
}

static void test_check_missing_module(void)
{
	_cleanup_(strv_done) struct strv paths = {0}, symvers = {0}, found = {0};

	strv_push(&found, "kept");
	strv_take(&paths, in_root("provider.ko"));
	strv_take(&paths, in_root("no-such.ko"));
	is_int(modfile_check_for_kernel(&paths, RELEASE, &symvers, &found, NULL), -ENOENT,
		"a missing module");
	is_int((long)found.n, 1, "an error does not change the problems");
}

static void test_many_unknown(void)
{
	_cleanup_free_ char *source = in_root("many.c"), *path = in_root("many.ko");
	_cleanup_free_ char *command = NULL;
	const char *cc = getenv("CC"), *top = getenv("top_srcdir");
	struct str s = {0};

	str_addf(&s,
		"#define RELEASE \"" RELEASE "\"\n"
		"#include \"%s/tests/modules/module.h\"\n",
		top ? top : ".");
	for (int i = 10; i < 35; i++)
		str_addf(&s,
			"int want_%d(void);\nint use_%d(void) { return want_%d(); }\n", i,
			i, i);
	file_write(source, s.data, s.len, 0644, NULL);
	str_done(&s);
	command = xasprintf("%s -c -o %s %s", cc && *cc ? cc : "cc", path, source);
	is_int(system(command), 0, "compile a module with many unknown symbols");
	check_problems("many.ko", "kernel",
		"many.ko: unknown symbols: want_10, want_11, want_12, want_13, want_14, "
		"want_15, "
		"want_16, want_17, want_18, want_19, want_20, want_21, want_22, want_23, "
		"want_24, "
		"want_25, want_26, want_27, want_28, want_29 and 5 more",
		"a long list is shortened");
}

int main(void)
{
	_cleanup_free_ char *probe = NULL;

	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return done_testing();
	probe = in_root("probe.ko");
	if (compile_module(probe, "plain", "")) {
		test_read();
		test_signer();
		test_no_module();
		test_is_newer();
		test_is_newer_by_bytes();
		build_modules_to_check();
		write_symvers_to_check();
		test_check_without_problems();
		test_check_problems();
		test_check_many_symbols();
		test_check_missing_module();
		test_many_unknown();
	} else {
		ok(true, "modules # SKIP the modules of tests/modules cannot be compiled "
			 "here");
	}
	dir_remove(root, NULL);
	return done_testing();
}
