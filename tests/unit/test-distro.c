/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/host/distro.h"
#include "tests/unit/tap.h"

/* The os-release files of real systems, with the fields that are read. */
static const struct {
	const char *name, *text;
	enum distro want;
} cases[] = {
	{"Debian 12",
		"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian "
		"GNU/Linux\"\n"
		"VERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
		DISTRO_DEBIAN},
	{"Ubuntu 24.04",
		"NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n",
		DISTRO_UBUNTU},
	{"Linux Mint", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", DISTRO_UBUNTU},
	{"Raspbian", "ID=raspbian\nID_LIKE=debian\n", DISTRO_DEBIAN},
	{"Fedora 41", "NAME=\"Fedora Linux\"\nID=fedora\nVERSION_ID=41\n", DISTRO_FEDORA},
	{"CentOS 7", "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n",
		DISTRO_RHEL},
	{"RHEL 9", "ID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.4\"\n", DISTRO_RHEL},
	{"Rocky 9", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", DISTRO_RHEL},
	{"AlmaLinux 9", "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n",
		DISTRO_RHEL},
	{"Oracle 9", "ID=\"ol\"\nID_LIKE=\"fedora\"\n", DISTRO_RHEL},
	{"Leap 15.6", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", DISTRO_SUSE},
	{"Tumbleweed", "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n",
		DISTRO_SUSE},
	{"SLES 15", "ID=\"sles\"\nID_LIKE=\"suse\"\n", DISTRO_SUSE},
	{"SLE Micro", "ID=\"sle-micro\"\nID_LIKE='suse'\n", DISTRO_SUSE},
	{"Arch", "NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n", DISTRO_ARCH},
	{"Manjaro", "ID=manjaro\nID_LIKE=arch\n", DISTRO_ARCH},
	{"Gentoo", "NAME=Gentoo\nID=gentoo\n", DISTRO_GENTOO},
	{"Alpine 3.20", "NAME=\"Alpine Linux\"\nID=alpine\n", DISTRO_ALPINE},
	{"Void", "NAME=\"Void\"\nID=\"void\"\n", DISTRO_OTHER},
	{"a name that begins like another", "ID=archery\nVARIANT_ID=debian\n",
		DISTRO_OTHER},
	{"carriage returns", "ID=debian\r\nVERSION_ID=12\r\n", DISTRO_DEBIAN},
	{"no line end", "ID=fedora", DISTRO_FEDORA},
	{"one quote", "ID=\"\n", DISTRO_OTHER},
	{"an empty file", "", DISTRO_OTHER},
};

static void test_files(const char *dir)
{
	_cleanup_free_ char *path = path_join(dir, "os-release");
	struct error err = {0};
	enum distro got;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		file_write(path, cases[i].text, strlen(cases[i].text), 0644, NULL);
		got = (enum distro) - 1;
		ok(distro_read(path, &got, NULL) == 0 && got == cases[i].want, "%s",
			cases[i].name);
	}
	unlink(path);
	is_int(distro_read(path, &got, &err), -ENOENT,
		"a missing os-release is an error");
	is_int(err.status, 4, "it has its own exit status");
	ok(strstr(err.what, path), "it names the file: %s", err.what);
	error_done(&err);
}

static void test_headers(void)
{
	static const struct {
		enum distro distro;
		const char *release, *want;
	} commands[] = {
		{DISTRO_DEBIAN, "6.1.0-56-amd64",
			"apt install linux-headers-6.1.0-56-amd64"},
		{DISTRO_UBUNTU, "6.8.0-45-generic",
			"apt install linux-headers-6.8.0-45-generic"},
		{DISTRO_FEDORA, "6.11.4-301.fc41.x86_64",
			"dnf install kernel-devel-6.11.4-301.fc41.x86_64"},
		{DISTRO_RHEL, "5.14.0-427.el9.x86_64",
			"dnf install kernel-devel-5.14.0-427.el9.x86_64"},
		{DISTRO_SUSE, "6.4.0-150600.21-default",
			"zypper install kernel-default-devel"},
		{DISTRO_ARCH, "6.9.1-arch1-1", "pacman -S linux-headers"},
		{DISTRO_ARCH, "6.6.32-1-lts", "pacman -S linux-lts-headers"},
		{DISTRO_ARCH, "6.6.32", NULL},
		{DISTRO_GENTOO, "6.6.32-gentoo", NULL},
		{DISTRO_OTHER, "6.6.32", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_free_ char *got =
			distro_headers_command(commands[i].distro, commands[i].release);

		is(got, commands[i].want, commands[i].release);
	}
}

static void test_compilers(void)
{
	static const struct {
		enum distro distro;
		const char *program, *want;
	} commands[] = {
		{DISTRO_DEBIAN, "aarch64-linux-gnu-gcc-12", "apt install gcc-12-aarch64-linux-gnu"},
		{DISTRO_UBUNTU, "x86_64-linux-gnu-gcc", "apt install gcc-x86-64-linux-gnu"},
		{DISTRO_DEBIAN, "clang-16", "apt install clang-16"},
		{DISTRO_FEDORA, "aarch64-linux-gnu-gcc", "dnf install gcc-aarch64-linux-gnu"},
		{DISTRO_ARCH, "aarch64-linux-gnu-gcc", "pacman -S aarch64-linux-gnu-gcc"},
		{DISTRO_SUSE, "aarch64-linux-gnu-gcc", NULL},
		{DISTRO_DEBIAN, "/opt/arm/bin/aarch64-none-linux-gnu-gcc", NULL},
		{DISTRO_OTHER, "aarch64-linux-gnu-gcc", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_free_ char *got =
			distro_compiler_command(commands[i].distro, commands[i].program);

		is(got, commands[i].want, commands[i].program);
	}
}

int main(void)
{
	char dir[] = "/tmp/dkms-test-XXXXXX";

	if (!mkdtemp(dir))
		abort();
	test_files(dir);
	test_headers();
	test_compilers();
	dir_remove(dir, NULL);
	return done_testing();
}
