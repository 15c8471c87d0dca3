/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "builder/host/architecture.h"
#include "tests/unit/tap.h"

static char dir[] = "/tmp/dkms-test-XXXXXX";

static void test_names(void)
{
	_cleanup_free_ char *own = kernel_running_arch();

	is(architecture_find("aarch64")->kbuild, "arm64", "by uname's name");
	is(architecture_find("amd64")->machine, "x86_64", "by dpkg's name");
	is(architecture_find("arm64")->machine, "aarch64", "by a name that dpkg and kbuild share");
	is(architecture_find("riscv")->machine, "riscv64", "by kbuild's name");
	ok(!architecture_find("vax") && !architecture_find("") && !architecture_find(NULL),
		"an unknown name");
	ok(!architecture_find_foreign(own), "this machine's is not foreign");
	ok(!architecture_find_foreign("vax"), "nor is one that nothing is known of");
	if (streq(own, "x86_64")) {
		ok(!architecture_find_foreign("i686"), "nor is that of its 32 bits");
		is(architecture_find_foreign("aarch64")->triplet, "aarch64-linux-gnu",
			"another one is");
	}
}

/* Writes a file that begins as an ELF file for a machine. */
static char *write_elf(const char *name, int machine, int data)
{
	char *path = path_join(dir, name);
	char start[64] = ELFMAG;

	start[EI_CLASS] = ELFCLASS64;
	start[EI_DATA] = (char)data;
	start[data == ELFDATA2MSB ? 19 : 18] = (char)(machine & 0xff);
	start[data == ELFDATA2MSB ? 18 : 19] = (char)(machine >> 8);
	file_write(path, start, sizeof(start), 0755, NULL);
	return path;
}

static void test_files(void)
{
	_cleanup_free_ char *little = write_elf("little", EM_AARCH64, ELFDATA2LSB);
	_cleanup_free_ char *big = write_elf("big", EM_S390, ELFDATA2MSB);
	_cleanup_free_ char *two = write_elf("two", 258, ELFDATA2LSB);
	_cleanup_free_ char *text = path_join(dir, "text"), *none = path_join(dir, "none");

	file_write(text, "#!/bin/sh\necho this is no program\n", 33, 0755, NULL);
	is_int(architecture_of_file(little), EM_AARCH64, "a little-endian file");
	is_int(architecture_of_file(big), EM_S390, "a big-endian file");
	is_int(architecture_of_file(two), 258, "a machine above 255");
	is_int(architecture_of_file(text), 0, "a script");
	is_int(architecture_of_file(none), -ENOENT, "no file");
	is_int(architecture_of_file("/proc/self/exe"), architecture_of_file("/bin/sh"), "this program");
	file_write(text, ELFMAG, 4, 0755, NULL);
	is_int(architecture_of_file(text), 0, "a file that is cut");
}

static void test_headers(void)
{
	_cleanup_free_ char *own = kernel_running_arch(), *place = path_join(dir, "scripts/mod");
	_cleanup_(error_done) struct error err = {0};
	struct kernel k = {.headers = dir};
	int other = architecture_find(own)->elf == EM_S390 ? EM_MIPS : EM_S390;

	is_int(architecture_check_headers(&k, &err), 0, "headers without programs");
	dir_make(place, NULL);
	free(write_elf("scripts/mod/modpost", architecture_find(own)->elf, ELFDATA2LSB));
	is_int(architecture_check_headers(&k, &err), 0, "programs for this machine");
	free(write_elf("scripts/mod/modpost", 4711, ELFDATA2LSB));
	is_int(architecture_check_headers(&k, &err), 0, "programs for an unknown machine");
	free(write_elf("scripts/mod/modpost", other, ELFDATA2LSB));
	is_int(architecture_check_headers(&k, &err), -ENOEXEC, "programs for another machine");
	is_int(err.status, 21, "the exit status of useless headers");
	ok(err.what && strstr(err.what, "/scripts/mod/modpost is a program for "), "it is named");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	test_names();
	test_files();
	test_headers();
	dir_remove(dir, NULL);
	return done_testing();
}
