/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/reuse/cmdfile.h"
#include "tests/unit/tap.h"

/* As Linux 6.1 writes it. */
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

/* As Linux 6.13 and later do, working in the directory of the module. */
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

	is_int(cmdfile_parse(absolute, &c), 0, "absolute paths");
	is(c.target, "/t/m/build/m.o", "the target");
	ok(strstr(c.command, "gcc-12 -nostdinc") && strstr(c.command, "objtool /t/m/build/m.o"),
		"the command, all of it");
	is_int((long)c.files.n, 4, "all files");
	is(c.files.items[0], "/t/m/build/m.c", "the source comes first");
	is(c.files.items[2], "./include/generated/x.h", "relative ones stay as they are");
	is(c.files.items[3], "./tools/objtool/objtool", "programs count, too");
	is_int((long)c.configs.n, 2, "all options");
	is(c.configs.items[1], "CPU_BIG_ENDIAN", "by their names");
	cmdfile_done(&c);
	is_int(cmdfile_parse(relative, &c), 0, "relative paths, savedcmd");
	is(c.target, "m.o", "the target");
	is(c.files.items[1], "/usr/src/k/include/linux/kconfig.h", "a file");
	cmdfile_done(&c);
}

/* The first text with one part replaced is not understood. */
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

	ok(cmdfile_parse("", &c) < 0, "refused: nothing");
	ok(cmdfile_parse("cmd_/t/m.ko := ld -r -o /t/m.ko /t/m.o\n", &c) < 0,
		"refused: a linker's");
	ok(cmdfile_parse("cmd_/t/m.o := ld -r -o /t/m.o /t/a.o /t/b.o\n", &c) < 0,
		"refused: an object that is linked");
	refuses("include/config/SMP", "include/config/smp.h", "options as files, before 5.14");
	refuses("$(wildcard include/config/SMP)", "$(shell rm)", "another function of make");
	refuses("  ./include/generated/x.h", "  ./include/gen x.h", "a blank in a name");
	refuses("  ./include/generated/x.h", "  $(srctree)/x.h", "a variable in a name");
	refuses("source_/t/m/build/m.o", "source_/t/m/build/n.o", "the source of another object");
	refuses("\n\nsource", "\n\ndeps", "no source");
	refuses("#SYMVER", "/t/m/build/m.o: /t/m/other.h\n#SYMVER", "dependencies of its own");
}

int main(void)
{
	test_reading();
	test_refusing();
	return done_testing();
}
