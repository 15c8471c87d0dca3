/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is an architecture called by kernels, packages, compilers and files, and which programs does
 * this machine run?
 *
 * The names of ARCH are the directories in arch/ of Linux; Documentation/kbuild/kbuild.rst describes
 * the variables ARCH and CROSS_COMPILE. */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "builder/host/architecture.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

/* What an ELF file of either class begins with, to the end of e_machine. */
#define ELF_START 20

static const struct architecture table[] = {
	{"x86_64", "amd64", "x86", "x86_64-linux-gnu", EM_X86_64},
	{"i686", "i386", "x86", "i686-linux-gnu", EM_386},
	{"i586", "i386", "x86", "i686-linux-gnu", EM_386},
	{"i486", "i386", "x86", "i686-linux-gnu", EM_386},
	{"i386", "i386", "x86", "i686-linux-gnu", EM_386},
	{"aarch64", "arm64", "arm64", "aarch64-linux-gnu", EM_AARCH64},
	{"armv7l", "armhf", "arm", "arm-linux-gnueabihf", EM_ARM},
	{"armv6l", "armel", "arm", "arm-linux-gnueabi", EM_ARM},
	{"riscv64", "riscv64", "riscv", "riscv64-linux-gnu", EM_RISCV},
	{"ppc64le", "ppc64el", "powerpc", "powerpc64le-linux-gnu", EM_PPC64},
	{"s390x", "s390x", "s390", "s390x-linux-gnu", EM_S390},
	{"mips64", "mips64el", "mips", "mips64el-linux-gnuabi64", EM_MIPS},
	{"loongarch64", "loong64", "loongarch", NULL, EM_LOONGARCH},
};

const struct architecture *architecture_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(table); i++)
		if (streq(name, table[i].machine) || streq(name, table[i].debian))
			return &table[i];
	for (size_t i = 0; name && i < ARRAY_SIZE(table); i++)
		if (streq(name, table[i].kbuild))
			return &table[i];
	return NULL;
}

const struct architecture *architecture_find_foreign(const char *name)
{
	_cleanup_free_ char *running = kernel_running_arch();
	const struct architecture *here = architecture_find(running);
	const struct architecture *there = architecture_find(name);

	return here && there && !streq(here->kbuild, there->kbuild) ? there : NULL;
}

const char *architecture_name_of_elf(int machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].elf == machine)
			return table[i].machine;
	return NULL;
}

int architecture_of_file(const char *path)
{
	unsigned char start[ELF_START];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, start, sizeof(start), 0);

	if (n < 0)
		return -errno;
	if (n < ELF_START || memcmp(start, ELFMAG, SELFMAG) != 0)
		return 0;
	return start[EI_DATA] == ELFDATA2MSB ? start[18] << 8 | start[19]
					     : start[19] << 8 | start[18];
}

/* Whether this machine runs programs of an architecture: its own ones, those of its family's 32
 * bits, and those that an emulator runs by binfmt_misc(5) of systemd or of qemu-user. */
static bool can_run(int elf)
{
	_cleanup_free_ char *running = kernel_running_arch();
	const struct architecture *here = architecture_find(running);
	const char *name = architecture_name_of_elf(elf);
	_cleanup_free_ char *emulator = NULL;

	if (!here || !name || here->elf == elf ||
		(here->elf == EM_X86_64 && elf == EM_386) ||
		(here->elf == EM_AARCH64 && elf == EM_ARM))
		return true;
	emulator = xasprintf("/proc/sys/fs/binfmt_misc/qemu-%s",
		elf == EM_ARM ? "arm" : name);
	return path_exists(emulator);
}

int architecture_check_headers(const struct kernel *k, struct error *err)
{
	static const char *const programs[] = {"scripts/mod/modpost", "scripts/basic/fixdep"};
	_cleanup_free_ char *running = kernel_running_arch();

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = path_join(k->headers, programs[i]);
		int elf = architecture_of_file(path);

		if (elf <= 0 || can_run(elf))
			continue;
		error_set(err, -ENOEXEC, 21, "%s is a program for %s, and this machine is %s", path,
			architecture_name_of_elf(elf), running);
		error_remedy(err,
			"give the headers programs of kbuild for %s: on Debian unpack the linux-kbuild "
			"package of this machine beside them, elsewhere run make modules_prepare in them",
			running);
		return -ENOEXEC;
	}
	return 0;
}
