/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels in an install tree that has empty files. */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "builder/host/header-mounts.h"
#include "builder/host/kernel.h"
#include "tests/unit/tap.h"

static char root[] = "/tmp/dkms-test-XXXXXX";

static char *in_root(const char *name)
{
	return path_join(root, name);
}

/* Writes root/name and makes its directory. */
static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_root(name);
	_cleanup_free_ char *dir = xstrndup(path, (size_t)(path_base(path) - path));

	if (dir_make(dir, NULL) < 0 ||
		file_write(path, text, strlen(text), 0644, NULL) < 0)
		ok(false, "write %s", path);
}

static void put_link(const char *name, const char *target)
{
	_cleanup_free_ char *path = in_root(name);

	if (link_write(path, target, NULL) < 0)
		ok(false, "link %s", path);
}

/* Returns settings for the install tree root/tree; settings_done() frees them. */
static struct settings settings_for(const char *tree)
{
	struct settings s;

	settings_init(&s);
	free(s.trees.install);
	s.trees.install = in_root(tree);
	return s;
}

static void test_running(void)
{
	_cleanup_free_ char *release = kernel_running_release();
	_cleanup_free_ char *arch = kernel_running_arch();
	struct utsname names;

	uname(&names);
	is(release, names.release, "the release of the running kernel");
	is(arch, names.machine, "the architecture of the running kernel");
}

static void test_list(void)
{
	struct settings s = settings_for("list");
	struct strv found = {0};
	char *joined;

	is_int(kernel_list_with_headers(&s, &found), 0, "listing a missing install tree");
	is_int((long)found.n, 0, "it has no kernels");

	put("list/6.10.1/build/include/linux/version.h", "");
	put("list/6.9.12/build/include/linux/version.h", "");
	put("list/6.9.12-rc1/build/include/linux/version.h", "");
	put("headers/linked/include/linux/version.h", "");
	put("list/6.1.0-56-amd64/modules.dep", "");
	put_link("list/6.1.0-56-amd64/build", "../../headers/linked");
	put("list/6.1.0-55-amd64/kernel/x.ko", ""); /* no headers */
	put("list/6.1.0-54-amd64/build/Makefile", "");
	put("list/6.1.0-53-amd64/modules.dep", "");
	put_link("list/6.1.0-53-amd64/build", "../../headers/removed");
	put("list/README", "");
	is_int(kernel_list_with_headers(&s, &found), 0, "kernels with headers");
	joined = strv_join(&found, " ");
	is(joined, "6.1.0-56-amd64 6.9.12 6.9.12-rc1 6.10.1",
		"kernels are sorted by version");
	free(joined);
	strv_done(&found);
	settings_done(&s);
}

static void check_kernel(const struct settings *s, const char *release, bool has_headers,
	const char *config, const char *what)
{
	struct kernel *k = kernel_new(s, release, "x86_64");
	_cleanup_free_ char *want = config ? in_root(config) : NULL;

	ok(k->has_headers == has_headers, "%s: %s headers", what,
		has_headers ? "has" : "no");
	is(k->config_path, want, what);
	is(k->release, release, "release");
	is(k->arch, "x86_64", "architecture");
	ok(!k->modules_known && !k->config_known,
		"modules and configuration are not read yet");
	kernel_free(k);
}

static void test_new(void)
{
	struct settings s = settings_for("new");
	struct kernel *k;
	_cleanup_free_ char *dir = in_root("new/1"), *headers = in_root("new/1/build");

	put("new/1/build/include/config/auto.conf", "");
	put("new/1/build/.config", "");
	put("new/2/build/include/generated/x", "");
	put("new/2/build/.config", "");
	put("new/3/build/include/generated/x", "");
	put("new/4/modules.dep", "");
	put("elsewhere/include/config/auto.conf", "");
	put("elsewhere/one-line", "");
	check_kernel(&s, "1", true, "new/1/build/include/config/auto.conf", "auto.conf");
	check_kernel(&s, "2", true, "new/2/build/.config", ".config");
	check_kernel(&s, "3", true, NULL, "headers without a configuration");
	check_kernel(&s, "4", false, NULL, "an image without headers");
	check_kernel(&s, "5", false, NULL, "neither headers nor an image");

	k = kernel_new(&s, "1", "x86_64");
	is(k->dir, dir, "the directory of the kernel");
	is(k->headers, headers, "the directory of the headers");
	kernel_free(k);

	s.kernel.source_dir = in_root("elsewhere");
	check_kernel(
		&s, "4", true, "elsewhere/include/config/auto.conf", "--kernelsourcedir");
	s.kernel.config = in_root("elsewhere/one-line");
	check_kernel(
		&s, "4", true, "elsewhere/one-line", "--kernelsourcedir and --config");
	free(TAKE_PTR(s.kernel.source_dir));
	check_kernel(&s, "1", true, "elsewhere/one-line", "--config");
	settings_done(&s);
}

/* A configuration that cannot be read, and then can be. */
static void test_unreadable_config(void)
{
	struct settings s = settings_for("config");
	_cleanup_free_ char *path = in_root("config/3/build/.config");
	_cleanup_(error_done) struct error err = {0};
	struct kernel *k;

	put("config/3/build/.config", "CONFIG_X=y\n");
	is_int(truncate(path, 32 * 1024 * 1024), 0, "the configuration is made too large");
	k = kernel_new(&s, "3", "x86_64");
	is_int(kernel_read_config(k, &err), -EFBIG, "a configuration that cannot be read");
	is(kernel_config(k, "CONFIG_X"), NULL, "has no options");
	is_int(truncate(path, 11), 0, "the configuration is made readable");
	is_int(kernel_read_config(k, NULL), 0, "the failure is not remembered");
	is(kernel_config(k, "CONFIG_X"), "y", "has its options");
	kernel_free(k);
	settings_done(&s);
}

static void test_config(void)
{
	struct settings s = settings_for("config");
	struct kernel *k;
	struct str large = {0};

	put("config/1/build/include/config/auto.conf",
		"#\n# Automatically generated file; DO NOT EDIT.\n#\n"
		"CONFIG_MODULES=y\n"
		"CONFIG_MODULE_SIG_HASH=\"sha256\"\n"
		"CONFIG_MODULE_SIG=y\n"
		"CONFIG_E1000E=m\n"
		"CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14) a=b\"\n"
		"CONFIG_LOCALVERSION=\"\"\n"
		"CONFIG_HZ=250\n"
		"# CONFIG_DRM is not set\n"
		"CONFIG_CRLF=y\r\n"
		"XCONFIG_OTHER=y\n"
		"CONFIG_NOTHING\n"
		"CONFIG_LAST=m");
	k = kernel_new(&s, "1", "x86_64");
	is(kernel_config(k, "CONFIG_MODULES"), "y", "=y");
	is(kernel_config(k, "CONFIG_E1000E"), "m", "=m");
	is(kernel_config(k, "CONFIG_HZ"), "250", "a number");
	is(kernel_config(k, "CONFIG_MODULE_SIG_HASH"), "\"sha256\"", "a string");
	is(kernel_config(k, "CONFIG_CC_VERSION_TEXT"),
		"\"gcc-12 (Debian 12.2.0-14) a=b\"",
		"a string with blanks and an equals sign");
	is(kernel_config(k, "CONFIG_LOCALVERSION"), "\"\"", "an empty string");
	is(kernel_config(k, "CONFIG_CRLF"), "y", "a line with a carriage return");
	is(kernel_config(k, "CONFIG_LAST"), "m", "a line without its end");
	is(kernel_config(k, "CONFIG_MODULE_SIG"), "y",
		"an option whose name is the beginning of others");
	is(kernel_config(k, "CONFIG_MODULE"), NULL, "the beginning of an option's name");
	is(kernel_config(k, "CONFIG_MODULES_TREE"), NULL,
		"an option's name with more behind it");
	is(kernel_config(k, "CONFIG_DRM"), NULL, "an option that is not set");
	is(kernel_config(k, "CONFIG_OTHER"), NULL, "a line that is not an option");
	is(kernel_config(k, "CONFIG_NOTHING"), NULL, "an option without a value");
	is(kernel_config(k, ""), NULL, "an empty name");
	is(kernel_config(k, "XCONFIG_OTHER"), NULL, "a name that is no option");
	kernel_free(k);

	for (int i = 0; i < 10000; i++)
		str_addf(&large, "CONFIG_OPTION_%d=%s\n", i * 7919 % 10000,
			i % 2 ? "y" : "m");
	put("config/2/build/.config", large.data);
	str_done(&large);
	k = kernel_new(&s, "2", "x86_64");
	is(kernel_config(k, "CONFIG_OPTION_0"), "m", "one of many options");
	is(kernel_config(k, "CONFIG_OPTION_7919"), "y", "another of many options");
	is(kernel_config(k, "CONFIG_OPTION_10000"), NULL,
		"an option that is not among many");
	kernel_free(k);

	s.kernel.config = in_root("config/missing");
	k = kernel_new(&s, "1", "x86_64");
	is(kernel_config(k, "CONFIG_MODULES"), NULL, "a missing --config has no options");
	kernel_free(k);
	settings_done(&s);
}

/* Returns the modules found, as "name=path name=path". Caller frees. */
static char *modules_of(struct kernel *k)
{
	struct str s = {0};
	struct error e = {0};

	if (kernel_find_modules(k, &e) < 0)
		ok(false, "%s", e.what ? e.what : "kernel_find_modules without a word");
	for (size_t i = 0; i < k->n_modules; i++)
		str_addf(&s, "%s%s=%s", i ? " " : "", k->modules[i].name,
			k->modules[i].path);
	error_done(&e);
	return str_take(&s);
}

static void check_modules(struct kernel *k, const char *want, const char *what)
{
	_cleanup_free_ char *got = modules_of(k);

	is(got, want, what);
}

static void test_modules(void)
{
	struct settings s = settings_for("modules");
	struct kernel *k = kernel_new(&s, "1", "x86_64");

	check_modules(k, "", "without a directory there are no modules");
	put("modules/1/kernel/drivers/net/e1000e.ko", "");
	put("modules/1/kernel/drivers/gpu/snd-hda-intel.ko.xz", "");
	put("modules/1/kernel/build/deep.ko",
		""); /* only the top directory "build" is skipped */
	put("modules/1/updates/dkms/evdi.ko.zst", "");
	put("modules/1/extra/evdi.ko.gz", "");
	put("modules/1/top.ko", "");
	put("modules/1/build/headers.ko", "");
	put("modules/1/source/source.ko", "");
	put("modules/1/modules.dep", "");
	put("modules/1/kernel/x.ko.bz2", "");
	put("modules/1/kernel/y.ko.debug", "");
	put("modules/1/kernel/z.o", "");
	put("modules/1/kernel/.ko", "");
	put("modules/1/kernel/ko", "");
	put("modules/1/kernel/directory.ko/inside.ko", "");
	put("other/weak.ko", "");
	put("modules/1/weak-updates/dangling.txt", "");
	put_link("modules/1/weak-updates/weak.ko", "../../../other/weak.ko");
	put_link("modules/1/weak-updates/dangling.ko", "gone.ko");
	put_link("modules/1/loop", ".");
	check_modules(k, "", "the list of modules is kept once it is known");
	kernel_forget_modules(k);
	check_modules(k,
		"deep=kernel/build/deep.ko e1000e=kernel/drivers/net/e1000e.ko "
		"evdi=extra/evdi.ko.gz evdi=updates/dkms/evdi.ko.zst "
		"inside=kernel/directory.ko/inside.ko "
		"snd_hda_intel=kernel/drivers/gpu/snd-hda-intel.ko.xz top=top.ko "
		"weak=weak-updates/weak.ko",
		"modules sorted by name");
	ok(k->modules_known, "the modules are known");
	kernel_free(k);
	settings_done(&s);
}

static void test_unreadable_modules(void)
{
	struct settings s = settings_for("modules");
	struct kernel *k = kernel_new(&s, "file", "x86_64");
	_cleanup_free_ char *closed = in_root("modules/closed/kernel");
	struct error e = {0};

	put("modules/file", "");
	is_int(kernel_find_modules(k, &e), -ENOTDIR, "a file instead of the directory");
	ok(e.what && strstr(e.what, "modules/file"), "%s", e.what ? e.what : "(null)");
	ok(!k->modules_known && !k->n_modules, "no modules are known");
	error_done(&e);
	kernel_free(k);

	k = kernel_new(&s, "closed", "x86_64");
	put("modules/closed/kernel/x.ko", "");
	chmod(root, 0755);
	chmod(closed, 0);
	/* Root can read any directory. */
	ok(getuid() || seteuid(65534) == 0, "become another user");
	is_int(kernel_find_modules(k, &e), -EACCES, "an unreadable directory");
	ok(getuid() || seteuid(0) == 0, "become root again");
	ok(e.what && strstr(e.what, "modules/closed/kernel"), "%s",
		e.what ? e.what : "(null)");
	chmod(closed, 0755);
	error_done(&e);
	kernel_free(k);
	settings_done(&s);
}

static void check_compression(
	const char *release, const char *files, enum compression want)
{
	struct settings s = settings_for("compression");
	struct kernel *k = kernel_new(&s, release, "x86_64");
	struct strv names = {0};

	strv_split(&names, files);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path =
			xasprintf("compression/%s/%s", release, names.items[i]);

		put(path, "");
	}
	kernel_find_modules(k, NULL);
	is(compression_suffix(kernel_compression(k)), compression_suffix(want), files);
	strv_done(&names);
	kernel_free(k);
	settings_done(&s);
}

static void test_compression(void)
{
	check_compression("0", "", COMPRESSION_NONE);
	check_compression("1", "kernel/a.ko kernel/b.ko", COMPRESSION_NONE);
	check_compression("2", "kernel/a.ko.gz", COMPRESSION_GZIP);
	check_compression(
		"3", "kernel/a.ko.xz kernel/b.ko.xz kernel/c.ko", COMPRESSION_XZ);
	check_compression(
		"4", "kernel/a.ko.zst updates/b.ko updates/c.ko", COMPRESSION_ZSTD);
	check_compression(
		"5", "kernel/a.ko updates/b.ko.xz updates/c.ko.xz", COMPRESSION_NONE);
	check_compression("6", "updates/b.ko.xz extra/c.ko", COMPRESSION_XZ);
	check_compression("7", "extra/a.ko extra/b.ko extra/c.ko.zst", COMPRESSION_NONE);
	check_compression("8", "build/a.ko.xz modules.dep", COMPRESSION_NONE);

	is_int(compression_of_file("/a.xz/b.ko"), COMPRESSION_NONE, "b.ko");
	is_int(compression_of_file("/a/b.ko.gz"), COMPRESSION_GZIP, "b.ko.gz");
	is_int(compression_of_file("b.ko.xz"), COMPRESSION_XZ, "b.ko.xz");
	is_int(compression_of_file("b.ko.zst"), COMPRESSION_ZSTD, "b.ko.zst");
	is_int(compression_of_file("b.tar.gz"), COMPRESSION_NONE,
		"a file that is not a module");
}

static void test_names(void)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
		{"/lib/modules/1/kernel/snd-hda-intel.ko", "snd_hda_intel"},
		{"a-b_c.ko.gz", "a_b_c"},
		{"x.ko.xz", "x"},
		{"x.y.ko.zst", "x.y"},
		{"x.ko.ko", "x.ko"},
		{"x.o", NULL},
		{"x.ko.bz2", NULL},
		{"xko", NULL},
		{".ko", NULL},
		{".ko.xz", NULL},
		{"dir.ko/", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = module_name_of_file(cases[i].path);

		is(name, cases[i].name, cases[i].path);
	}
}

static void check_image(const char *release, const char *file, bool want)
{
	struct settings s = settings_for("image");
	struct kernel *k = kernel_new(&s, release, "x86_64");
	_cleanup_free_ char *path = xasprintf("image/%s/%s", release, file);

	put(path, "");
	ok(kernel_has_image(k) == want, "%s is %s kernel's image", file,
		want ? "an" : "no");
	kernel_free(k);
	settings_done(&s);
}

static void test_image(void)
{
	check_image("1", "kernel/fs/ext4.ko", true);
	check_image("2", "vmlinuz", true);
	check_image("3", "updates/dkms/evdi.ko", false);
	check_image("4", "build/include/x", false);
}

/* Writes headers below root/PLACE in the layout of Debian's packages. */
static void put_debian(const char *place, const char *release, const char *makefile)
{
	_cleanup_free_ char *headers =
		xasprintf("%s/usr/src/linux-headers-%s", place, release);
	_cleanup_free_ char *common = xasprintf("%s/usr/src/linux-headers-common", place);
	_cleanup_free_ char *script =
		xasprintf("%s/usr/lib/linux-kbuild-6.1/scripts/build", place);
	const char *dirs[] = {headers, common};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *makefile_path = path_join(dirs[i], "Makefile");
		_cleanup_free_ char *header = path_join(dirs[i], "include/x.h");
		_cleanup_free_ char *scripts = path_join(dirs[i], "scripts");

		put(makefile_path, i ? "# the real one\n" : makefile);
		put(header, "");
		put_link(scripts, "../../lib/linux-kbuild-6.1/scripts");
	}
	put(script, "");
}

static size_t count_places(const char *place, const char *release)
{
	_cleanup_free_ char *tree = xasprintf("%s/lib/modules", place);
	_cleanup_free_ char *link = xasprintf("%s/%s/build", tree, release);
	_cleanup_free_ char *headers =
		xasprintf("%s/%s/usr/src/linux-headers-%s", root, place, release);
	_cleanup_free_ char *below = xasprintf("%s/%s/x", tree, release);
	_cleanup_(strv_done) struct strv places = {0};
	struct settings s = settings_for(tree);
	struct kernel *k;

	put(below, "");
	put_link(link, headers);
	k = kernel_new(&s, release, "x86_64");
	header_mounts_list(k, &places);
	kernel_free(k);
	settings_done(&s);
	for (size_t i = 1; i < places.n; i += 2)
		ok(has_prefix(places.items[i], "/usr/src/kernel/") &&
				!strstr(places.items[i], release),
			"%s: %s", place, places.items[i]);
	return places.n / 2;
}

static struct kernel *kernel_at(const char *place, const char *release)
{
	_cleanup_free_ char *tree = xasprintf("%s/lib/modules", place);
	struct settings s = settings_for(tree);
	struct kernel *k = kernel_new(&s, release, "x86_64");

	settings_done(&s);
	return k;
}

/* Uses the trees that test_places() makes. */
static void test_family(void)
{
	struct kernel *a = kernel_at("one-line", "6.1.0-1-amd64");
	struct kernel *b = kernel_at("comment", "6.1.0-1-amd64");
	struct kernel *c = kernel_at("two-lines", "6.1.0-1-amd64");
	struct digest of_a, of_b;

	ok(header_mounts_family(a, &of_a) && header_mounts_family(b, &of_b) && digest_equal(&of_a, &of_b),
		"one family: the headers have the same Makefile");
	ok(!header_mounts_family(c, &of_b), "no family: another layout");
	put("comment/usr/src/linux-headers-common/Makefile", "# the next one\n");
	ok(header_mounts_family(b, &of_b) && !digest_equal(&of_a, &of_b), "another family: another Makefile");
	kernel_free(a);
	kernel_free(b);
	kernel_free(c);
}

static void test_places(void)
{
	static const struct {
		const char *place;
		const char *makefile; /* @ stands for root/PLACE */
		size_t want;
	} cases[] = {
		{"one-line", "include @/usr/src/linux-headers-common/Makefile\n", 3},
		{"comment",
			"# a comment\n\ninclude "
			"@/usr/src/linux-headers-common/Makefile\n",
			3},
		{"two-lines", "include @/usr/src/linux-headers-common/Makefile\nX = 1\n",
			0},
		{"since-6.13",
			"KBUILD_OUTPUT=@/usr/src/linux-headers-6.1.0-1-amd64\n"
			"include @/usr/src/linux-headers-common/Makefile\n",
			3},
		{"other-output",
			"KBUILD_OUTPUT=@/usr/src/linux-headers-common\n"
			"include @/usr/src/linux-headers-common/Makefile\n",
			0},
		{"no-output",
			"KBUILD_OUTPUT=@/none\n"
			"include @/usr/src/linux-headers-common/Makefile\n",
			0},
		{"nowhere", "include @/usr/src/linux-headers-none/Makefile\n", 0},
		{"variable", "include @/usr/src/$(X)/Makefile\n", 0},
	};
	_cleanup_free_ char *makefile = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str text = {0};

		for (const char *at = cases[i].makefile; *at; at++) {
			if (*at == '@')
				str_addf(&text, "%s/%s", root, cases[i].place);
			else
				str_add_bytes(&text, at, 1);
		}
		put_debian(cases[i].place, "6.1.0-1-amd64", text.data);
		is_int((long)count_places(cases[i].place, "6.1.0-1-amd64"),
			(long)cases[i].want, cases[i].place);
		str_done(&text);
	}
	makefile = xasprintf(
		"include %s/link/usr/src/linux-headers-common/Makefile\n", root);
	put_debian("link", "6.1.0-1-amd64", makefile);
	put_link("link/usr/src/linux-headers-common/tools", "/usr/lib/elsewhere");
	is_int((long)count_places("link", "6.1.0-1-amd64"), 0,
		"a link that leads elsewhere");
	put("whole/usr/src/linux-headers-6.1.0-1-amd64/Makefile",
		"VERSION = 6\nPATCHLEVEL = 1\n");
	put("whole/usr/src/linux-headers-6.1.0-1-amd64/include/x.h", "");
	is_int((long)count_places("whole", "6.1.0-1-amd64"), 0,
		"the source tree of a kernel");
}

int main(void)
{
	if (!ok(mkdtemp(root) != NULL, "a temporary directory"))
		return done_testing();
	test_running();
	test_places();
	test_family();
	test_list();
	test_new();
	test_config();
	test_unreadable_config();
	test_modules();
	test_unreadable_modules();
	test_compression();
	test_names();
	test_image();
	dir_remove(root, NULL);
	return done_testing();
}
