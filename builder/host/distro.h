/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_DISTRO_H
#define BUILDER_HOST_DISTRO_H

#include "base/error.h"

/* The distributions that dkms knows. A distribution derived from one of them counts as
 * that one. */
enum distro {
	DISTRO_OTHER,
	DISTRO_DEBIAN,
	DISTRO_UBUNTU,
	DISTRO_FEDORA,
	DISTRO_RHEL, /* also CentOS, Rocky, AlmaLinux, Oracle */
	DISTRO_SUSE,
	DISTRO_ARCH,
	DISTRO_GENTOO,
	DISTRO_ALPINE,
};

/* Reads a file in the format of os-release(5). If path is /etc/os-release and that does
 * not exist, /usr/lib/os-release is read instead, as os-release(5) says. Returns -ENOENT
 * with status 4 if there is no file, because every command of dkms needs the
 * distribution. */
int distro_read(const char *path, enum distro *ret, struct error *err);

/* Returns the directory, relative to a kernel's, where this distribution has all modules
 * installed, whatever their dkms.conf says: "/updates/dkms". NULL: dkms.conf decides. */
const char *distro_module_dir(enum distro distro);

/* Returns the command that installs a package; the caller frees. NULL if dkms does not
 * know it for this distribution. */
char *distro_install_command(enum distro distro, const char *package);

/* Returns the command that installs a compiler, such as aarch64-linux-gnu-gcc-12 or clang-16; the
 * caller frees. NULL if dkms does not know it for this distribution. */
char *distro_compiler_command(enum distro distro, const char *program);

/* Returns the command that installs the headers of a kernel; the caller frees. NULL if
 * dkms does not know it for this distribution or release. */
char *distro_headers_command(enum distro distro, const char *release);

#endif
