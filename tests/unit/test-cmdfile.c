/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/reuse/cmdfile.h"
#include "tests/unit/tap.h"

/* A .cmd file of Linux 6.1. */
static const char absolute[] =
	"cmd_/t/m/build/m.o :=  gcc-12 -nostdinc -c -o /t/m/build/m.o /t/m/build/m.c  ; ./tools/objtool/objtool /t/m/build/m.o\n"
	"\n"
	"source_/t/m/build/m.o := /t/m/build/m.c\n"
	"\n"
	"deps_/t/m/build/m.o := \\\n"
	"    $(wildcard include/config/SMP) \\\n"
	"  /usr/src/k/include/linux/kconfig.h \\\n"
	"    $(wildcard include/config/CPU_BIG_ENDIAN) \\\n"
	"  ./include/generated/x.h \\\n"
	"\n"
	"/t/m/build/m.o: $(deps_/t/m/build/m.o)\n"
	"\n"
	"$(deps_/t/m/build/m.o):\n"
	"\n"
	"/t/m/build/m.o: $(wildcard ./tools/objtool/objtool)\n"
	"#SYMVER m_symbol 0x12345678\n";

/* A .cmd file of Linux 6.13 or later, which works in the directory of the module. */
static const char relative[] = "savedcmd_m.o := gcc -nostdinc -c -o m.o m.c\n"
			       "\n"
			       "source_m.o := m.c\n"
			       "\n"
			       "deps_m.o := \\\n"
			       "  /usr/src/k/include/linux/kconfig.h \\\n"
			       "\n"
			       "m.o: $(deps_m.o)\n"
			       "\n"
			       "$(deps_m.o):\n";

static void test_reading(void)
{
	struct cmdfile c;

	is_int(cmdfile_parse(absolute, &c), 0, "a file with absolute paths is parsed");
	is(c.target, "/t/m/build/m.o", "the target");
	ok(strstr(c.command, "gcc-12 -nostdinc") && strstr(c.command, "objtool /t/m/build/m.o"),
		"the complete command");
	is_int((long)c.files.n, 4, "the number of files");
	is(c.files.items[0], "/t/m/build/m.c", "the source comes first");
	is(c.files.items[2], "./include/generated/x.h", "a relative path stays as it is");
	is(c.files.items[3], "./tools/objtool/objtool", "a program is one of the files");
	is_int((long)c.options.n, 2, "the number of options");
	is(c.options.items[1], "CPU_BIG_ENDIAN", "an option has its name");
	cmdfile_done(&c);
	is_int(cmdfile_parse(relative, &c), 0,
		"a file with relative paths and savedcmd is parsed");
	is(c.target, "m.o", "the relative target");
	is(c.files.items[1], "/usr/src/k/include/linux/kconfig.h",
		"a file with a relative target");
	cmdfile_done(&c);
}

/* Checks that the first text is refused when a part of it is replaced. */
static void refuses(const char *old, const char *new, const char *what)
{
	const char *at = strstr(absolute, old);
	struct str s = {0};
	struct cmdfile c;

	str_add_bytes(&s, absolute, (size_t)(at - absolute));
	str_add(&s, new);
	str_add(&s, at + strlen(old));
	ok(cmdfile_parse(s.data, &c) < 0, "refused: %s", what);
	str_done(&s);
}

static void test_refusing(void)
{
	struct cmdfile c;

	ok(cmdfile_parse("", &c) < 0, "refused: an empty file");
	ok(cmdfile_parse("cmd_/t/m.ko := ld -r -o /t/m.ko /t/m.o\n", &c) < 0,
		"refused: the command of a linker for a module");
	ok(cmdfile_parse("cmd_/t/m.o := ld -r -o /t/m.o /t/a.o /t/b.o\n", &c) < 0,
		"refused: an object that is linked from others");
	refuses("include/config/SMP", "include/config/smp.h",
		"options as file names, before Linux 5.14");
	refuses("$(wildcard include/config/SMP)", "$(shell rm)", "another function of make");
	refuses("  ./include/generated/x.h", "  ./include/gen x.h", "a blank in a name");
	refuses("  ./include/generated/x.h", "  $(srctree)/x.h", "a variable in a name");
	refuses("source_/t/m/build/m.o", "source_/t/m/build/n.o", "the source of another object");
	refuses("\n\nsource", "\n\ndeps", "a file without a source");
	refuses("#SYMVER", "/t/m/build/m.o: /t/m/other.h\n#SYMVER",
		"additional dependencies");
}

int main(void)
{
	test_reading();
	test_refusing();
	return done_testing();
}
