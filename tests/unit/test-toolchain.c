/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "base/file.h"
#include "builder/host/toolchain.h"
#include "tests/unit/tap.h"

/* The .kernelvariables file of Debian's headers. */
#define DEBIAN_VARIABLES                                                                 \
	"override ARCH = x86\noverride KERNELRELEASE = 6.1.0-56-amd64\n"                 \
	"CCACHE = ccache\n"                                                              \
	"CC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-12\n"      \
	"ifneq ($(DEB_BUILD_ARCH),$(DEB_HOST_ARCH))\n"                                   \
	"override CROSS_COMPILE = $(DEB_HOST_GNU_TYPE)-\nendif\n"                        \
	"DEBIAN_KERNEL_NO_CC_VERSION_CHECK = y\n"

#define DEBIAN_VARIABLES_16                                                              \
	"override ARCH = x86\n"                                                          \
	"CC = $(if $(DEBIAN_KERNEL_USE_CCACHE),$(CCACHE)) $(CROSS_COMPILE)gcc-16\n"      \
	"override CROSS_COMPILE = x86_64-linux-gnu-\n"
#define DEBIAN_16 "\"x86_64-linux-gnu-gcc-16 (Debian 16.2.0-4) 16.2.0\""

#define CLANG "CONFIG_CC_IS_CLANG=y\n"
#define LLD "CONFIG_LD_IS_LLD=y\n"
#define TEXT(text) "CONFIG_CC_VERSION_TEXT=" text "\n"
#define UBUNTU "x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0"

/* want is "CC LD LLVM", with "-" for a variable that is not set. */
static const struct {
	const char *what, *config, *variables, *installed, *want;
} cases[] = {
	{"compat 5.5: Debian's gcc-12",
		TEXT("\"gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0\"") "CONFIG_CC_IS_GCC=y\n", NULL,
		"gcc gcc-12", "gcc-12 - -"},
	{"compat 5.5: only when it is installed", TEXT("\"gcc-12 (Debian 12.2.0-14) 12.2.0\""),
		NULL, "gcc gcc-13", "- - -"},
	{"compat 5.5: Ubuntu's, from .config", TEXT("\"" UBUNTU "\""), NULL,
		"gcc x86_64-linux-gnu-gcc-13", "x86_64-linux-gnu-gcc-13 - -"},
	{"compat 5.5: Ubuntu's, from auto.conf without quotes", TEXT(UBUNTU), NULL,
		"gcc x86_64-linux-gnu-gcc-13", "x86_64-linux-gnu-gcc-13 - -"},
	{"compat 5.5: Ubuntu's older one", TEXT("\"gcc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0\""),
		NULL, "gcc", "gcc - -"},
	{"compat 5.5: Fedora's", TEXT("\"gcc (GCC) 13.2.1 20240316 (Red Hat 13.2.1-7)\""), NULL,
		"gcc clang", "gcc - -"},
	{"compat 5.5: SUSE's", TEXT("\"gcc (SUSE Linux) 13.2.1 20230912\""), NULL, "gcc",
		"gcc - -"},
	{"compat 5.5: Alpine's", TEXT("\"gcc (Alpine 13.2.1_git20231014) 13.2.1 20231014\""), NULL,
		"gcc", "gcc - -"},
	{"compat 5.5: a clang of Debian",
		TEXT("\"Debian clang version 16.0.6 (15~deb12u1)\"") CLANG LLD, NULL,
		"gcc clang clang-16 ld ld.lld", "clang ld.lld 1"},
	{"compat 5.5: a clang of upstream, linked by ld", TEXT("\"clang version 17.0.6\"") CLANG,
		NULL, "clang ld.lld", "clang - 1"},
	{"compat 5.5: ChromeOS", TEXT("\"Chromium OS 17.0_pre498229-r6 clang version 17.0.0 "
				      "(/var/tmp/portage/llvm 14f0776550b5)\"") CLANG LLD,
		NULL, "clang ld.lld gcc Chromium", "clang ld.lld 1"},
	{"compat 5.5: Android", TEXT("\"Android (8508608, based on r450784e) clang version 14.0.7 "
				     "(https://android.googlesource.com x)\"") CLANG LLD,
		NULL, "clang ld.lld", "clang ld.lld 1"},
	{"a clang that has its version in its name only",
		TEXT("\"Debian clang version 16.0.6 (15~deb12u1)\"") CLANG LLD, NULL,
		"gcc clang-16 ld.lld-16", "clang-16 ld.lld-16 -16"},
	{"compat 5.5: a clang kernel without clang", TEXT("\"clang version 16.0.6\"") CLANG LLD,
		NULL, "gcc clang-15 ld", "- - 1"},
	{"compat 5.5: ld.lld with gcc", TEXT("\"gcc (GCC) 13.2.1 20240316\"") LLD, NULL,
		"gcc ld.lld", "gcc ld.lld -"},
	{"compat 5.5: ld.lld is not installed", TEXT("\"gcc (GCC) 13.2.1 20240316\"") LLD, NULL,
		"gcc", "gcc - -"},
	{"CONFIG_CC_IS_CLANG must be y", TEXT("\"gcc (GCC) 13.2.1 20240316\"")
		"CONFIG_CC_IS_CLANG=n\n", NULL, "gcc clang", "gcc - -"},
	{"an old kernel that says nothing", "CONFIG_SMP=y\n", NULL, "gcc clang ld.lld", "- - -"},
	{"an empty text", TEXT("\"\""), NULL, "gcc", "- - -"},
	{"a text without a version", TEXT("gcc"), NULL, "gcc", "- - -"},
	{"compat 5.5: Debian's .kernelvariables", TEXT("\"gcc-12 (Debian 12.2.0-14) 12.2.0\""),
		DEBIAN_VARIABLES, "gcc gcc-12", "gcc-12 - -"},
	{"compat 5.5: they may name another", TEXT("\"gcc-12 (Debian 12.2.0-14) 12.2.0\""),
		"CC = $(CROSS_COMPILE)gcc-13\n", "gcc-12 gcc-13", "gcc-13 - -"},
	{"compat 5.5: when it is installed", TEXT("\"gcc-12 (Debian 12.2.0-14) 12.2.0\""),
		"CC = $(CROSS_COMPILE)gcc-14\n", "gcc-12 gcc-13", "gcc-12 - -"},
	{"compat 5.5: Debian's since 13, with a prefix", TEXT(DEBIAN_16), DEBIAN_VARIABLES_16,
		"gcc gcc-15 x86_64-linux-gnu-gcc-16", "x86_64-linux-gnu-gcc-16 - -"},
	{"compat 5.5: the same program without it", TEXT(DEBIAN_16), DEBIAN_VARIABLES_16,
		"gcc gcc-16 x86_64-linux-gnu-gcc-16", "gcc-16 - -"},
	{"the last of them, spelled in any way", "CONFIG_X=y\n",
		"CC=gcc-11\n  override CC := ${CROSS_COMPILE}gcc-12 \nCCACHE = gcc-13\nCC_X = gcc-13",
		"gcc-11 gcc-12 gcc-13", "gcc-12 - -"},
	{"a name in two words is none", TEXT("\"gcc (GCC) 13.2.1 x\""), "CC = ccache gcc-12\n",
		"gcc gcc-12 ccache", "gcc - -"},
	{"a name that a shell would not take as it is", TEXT("\"gcc (GCC) 13.2.1 x\""),
		"CC = gcc;x\n", "gcc gcc;x", "gcc - -"},
	{"a parenthesis that closes nothing", TEXT("\"gcc (GCC) 13.2.1 x\""), "CC = $)gcc-12\n",
		"gcc gcc-12", "gcc-12 - -"},
	{"an open parenthesis", TEXT("\"gcc (GCC) 13.2.1 x\""), "CC = $(if x gcc-12\nCC = $",
		"gcc gcc-12", "gcc - -"},
	{"another compiler for a clang kernel", TEXT("\"clang version 16.0.6\"") CLANG LLD,
		"CC = $(CROSS_COMPILE)clang-15\n", "clang clang-15 ld.lld", "clang-15 ld.lld 1"},
};

static char dir[] = "/tmp/dkms-test-XXXXXX";

/* Returns a PATH with programs of these names. Caller frees. */
static char *make_path(const char *programs)
{
	char *bin = path_join(dir, "bin");
	_cleanup_(strv_done) struct strv names = {0};

	dir_remove(bin, NULL);
	dir_make(bin, NULL);
	strv_split(&names, programs);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(bin, names.items[i]);

		file_write(path, "", 0, 0755, NULL);
	}
	return bin;
}

static void test_case(size_t i)
{
	_cleanup_free_ char *bin = make_path(cases[i].installed);
	_cleanup_free_ char *headers = path_join(dir, "headers");
	_cleanup_free_ char *config = path_join(headers, ".config");
	_cleanup_free_ char *variables = path_join(headers, ".kernelvariables");
	_cleanup_free_ char *got = NULL;
	struct settings s;
	struct toolchain t;
	struct kernel *k;

	dir_make(headers, NULL);
	unlink(variables);
	file_write(config, cases[i].config, strlen(cases[i].config), 0644, NULL);
	if (cases[i].variables)
		file_write(variables, cases[i].variables, strlen(cases[i].variables), 0644, NULL);
	settings_init(&s);
	str_replace(&s.kernel.source_dir, headers);
	k = kernel_new(&s, "6.1", "x86_64");
	is_int(toolchain_choose_for_kernel(k, bin, &t, NULL), 0, "the files can be read");
	got = xasprintf("%s %s %s", t.cc ? t.cc : "-", t.ld ? t.ld : "-", t.llvm ? t.llvm : "-");
	is(got, cases[i].want, cases[i].what);
	toolchain_done(&t);
	kernel_free(k);
	settings_done(&s);
}

/* A machine that compiles nothing chooses as one that has the compiler. */
static void test_all(void)
{
	const struct toolchain_facts facts = {.cc_version_text = "gcc-12 (Debian 12.2.0) 12.2.0",
		.kernelvariables = "CC = $(if x,y) gcc-11\n"};
	struct toolchain t;

	toolchain_choose(&facts, dir, &t);
	is(t.cc, NULL, "a compiler that is not installed is not chosen");
	toolchain_done(&t);
	toolchain_choose(&facts, TOOLCHAIN_ALL, &t);
	is(t.cc, "gcc-11", "unless nothing is compiled");
	toolchain_done(&t);
}

static void test_environment(void)
{
	struct toolchain t = {.cc = (char *)"clang", .ld = (char *)"ld.lld", .llvm = (char *)"1"};
	_cleanup_(strv_done) struct strv env = {0};
	_cleanup_free_ char *all = NULL;

	strv_push(&env, "LD=other");
	toolchain_set_environment(&t, &env);
	strv_sort(&env);
	all = strv_join(&env, " ");
	is(all, "CC=clang KERNEL_CC=clang KERNEL_LD=ld.lld LD=ld.lld LLVM=1",
		"compat 5.5: the exported variables");
	strv_done(&env);
	toolchain_set_environment(&(struct toolchain){0}, &env);
	is_int((long)env.n, 0, "no variables are exported for an unknown compiler");
}

/* A kernel of another architecture: its compiler has the prefix in its name. */
static void test_other_architecture(void)
{
	static const struct {
		const char *variables, *version;
		bool clang;
		const char *installed, *want;
	} cross[] = {
		{"CC = $(if $x,ccache) $(CROSS_COMPILE)gcc-12\n", "gcc-12 (Debian 12.2.0) 12.2.0", false,
			"gcc-12 aarch64-linux-gnu-gcc-12", "aarch64-linux-gnu-gcc-12 - -"},
		{NULL, "gcc (GCC) 13.2.1", false, "gcc aarch64-linux-gnu-gcc",
			"aarch64-linux-gnu-gcc - -"},
		{NULL, "aarch64-linux-gnu-gcc-13 (Ubuntu 13.2.0) 13.2.0", false,
			"aarch64-linux-gnu-gcc-13", "aarch64-linux-gnu-gcc-13 - -"},
		{NULL, NULL, false, "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-gcc - -"},
		{NULL, "gcc-12 (Debian 12.2.0) 12.2.0", false, "gcc-12",
			"- - aarch64-linux-gnu-gcc-12"},
		{NULL, "Debian clang version 16.0.6", true, "clang-16", "clang-16 -16 -"},
		{NULL, "Debian clang version 16.0.6", true, "gcc", "- 1 clang-16"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cross); i++) {
		const struct toolchain_facts facts = {.cc_version_text = cross[i].version,
			.clang = cross[i].clang, .kernelvariables = cross[i].variables,
			.arch = "arm64", .prefix = "aarch64-linux-gnu-"};
		_cleanup_free_ char *bin = make_path(cross[i].installed), *got = NULL, *env = NULL;
		_cleanup_free_ char *strip = NULL;
		_cleanup_(strv_done) struct strv variables = {0};
		struct toolchain t;

		toolchain_choose(&facts, bin, &t);
		got = xasprintf("%s %s %s", t.cc ? t.cc : "-", t.llvm ? t.llvm : "-",
			t.missing ? t.missing : "-");
		is(got, cross[i].want, "the compiler for another architecture");
		toolchain_set_environment(&t, &variables);
		is(strv_getenv(&variables, "ARCH"), "arm64", "ARCH is set");
		is(strv_getenv(&variables, "CROSS_COMPILE"),
			cross[i].clang ? NULL : "aarch64-linux-gnu-", "CROSS_COMPILE is set for GCC");
		strip = toolchain_program(&t, "strip");
		is(strip,
			!cross[i].clang		     ? "aarch64-linux-gnu-strip"
			: streq(t.llvm, "1") ? "llvm-strip"
						     : "llvm-strip-16",
			"the program that strips");
		toolchain_done(&t);
	}
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		test_case(i);
	test_all();
	test_environment();
	test_other_architecture();
	dir_remove(dir, NULL);
	return done_testing();
}
