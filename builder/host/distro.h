/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_DISTRO_H
#define BUILDER_HOST_DISTRO_H

#include "base/error.h"

/* Distributions that dkms treats in their own way; derived ones count as their origin. */
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

/* Reads an os-release file. When path is /etc/os-release and there is none,
 * /usr/lib/os-release takes its place, as os-release(5) has it. -ENOENT and status 4 when
 * it is missing: every action of dkms needs to know. */
int distro_read(const char *path, enum distro *ret, struct error *err);

/* Where all modules go below a kernel's directory, whatever a dkms.conf says:
 * "/updates/dkms"; NULL where its word counts. */
const char *distro_module_dir(enum distro distro);

/* The command that installs a package; caller frees. NULL where it is not known. */
char *distro_install_command(enum distro distro, const char *package);

/* The command that installs the headers of a kernel; caller frees. NULL where it is not
 * known. */
char *distro_headers_command(enum distro distro, const char *release);

#endif
