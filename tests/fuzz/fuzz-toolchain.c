/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses what a kernel says about its compiler. The first line has two digits: the bits
 * of the first say clang and lld, those of the second say which compilers are installed.
 * The second line is CONFIG_CC_VERSION_TEXT, the rest is .kernelvariables. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/toolchain.h"
#include "tests/fuzz/fuzz.h"

/* Directories with compilers. Each of them may be in the search path or not. */
static const char *const dirs[][4] = {
	{"gcc", "gcc-12", "x86_64-linux-gnu-gcc-13"},
	{"clang", "ld.lld"},
	{"clang-16", "ld.lld-16"},
	{"g\"c", "g'c", "-c"},
};

static char *home;

static void make_programs(void)
{
	home = xasprintf(
		"%s/toolchain.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	MUST(mkdtemp(home));
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%zu", home, i);

		MUST(mkdir(dir, 0755) == 0);
		for (size_t j = 0; dirs[i][j]; j++) {
			_cleanup_free_ char *path = path_join(dir, dirs[i][j]);

			MUST(symlink("/bin/true", path) == 0);
		}
	}
}

static bool is_installed(const char *program, const char *search)
{
	_cleanup_free_ char *path = path_find_program(program, search);

	return path != NULL;
}

static void check(const struct toolchain *t, const struct toolchain_facts *facts,
	const char *search)
{
	if (t->cc) {
		MUST(*t->cc && *t->cc != '-');
		MUST(!t->cc[strcspn(t->cc, " \t\r\n\v\f\"'`$\\;&|<>()")]);
		MUST(is_installed(t->cc, search));
	}
	MUST(!t->ld || (facts->lld && has_prefix(t->ld, "ld.lld") &&
			       is_installed(t->ld, search)));
	MUST(facts->clang == (t->llvm != NULL));
	if (t->llvm && !streq(t->llvm, "1")) {
		MUST(*t->llvm == '-' && t->llvm[1] &&
			!t->llvm[1 + strspn(t->llvm + 1, "0123456789")]);
		MUST(!is_installed("clang", search));
		MUST(t->cc && has_prefix(t->cc, "clang-") &&
			streq(t->cc + strlen("clang"), t->llvm));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *rest = data;
	size_t left = size;
	_cleanup_free_ char *bits = fuzz_line(&rest, &left);
	_cleanup_free_ char *text = fuzz_line(&rest, &left);
	_cleanup_free_ char *variables = xstrndup((const char *)rest, left);
	int says = *bits ? *bits - '0' : 0, has = *bits ? bits[1] - '0' : 0;
	struct toolchain_facts facts = {.cc_version_text = *text ? text : NULL,
		.clang = says & 1,
		.lld = says & 2,
		.kernelvariables = left ? variables : NULL};
	_cleanup_(strv_done) struct strv env = {0};
	_cleanup_(str_done) struct str search = {0};
	struct toolchain t;

	if (!home)
		make_programs();
	str_add(&search, "/nonexistent");
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (has >> i & 1)
			str_addf(&search, ":%s/%zu", home, i);
	toolchain_choose(&facts, search.data, &t);
	check(&t, &facts, search.data);
	toolchain_set_environment(&t, &env);
	MUST(env.n == 2 * !!t.cc + 2 * !!t.ld + !!t.llvm);
	toolchain_done(&t);
	return 0;
}
