/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_ARCHITECTURE_H
#define BUILDER_HOST_ARCHITECTURE_H

#include <stdbool.h>

#include "base/error.h"
#include "builder/host/kernel.h"

/* What one architecture is called. */
struct architecture {
	const char *machine; /* by uname -m: "aarch64" */
	const char *debian;  /* by dpkg: "arm64" */
	const char *kbuild;  /* ARCH, the name of its directory in arch/ of Linux: "arm64" */
	const char *triplet; /* of the compilers that Debian, Fedora and Arch have for it on
			      * other machines: "aarch64-linux-gnu"; NULL if there is none */
	int elf;	     /* e_machine of elf(5): EM_AARCH64 */
};

/* Returns what is known of the architecture that uname -m, dpkg or kbuild calls name; NULL if
 * nothing is. Static. */
const struct architecture *architecture_find(const char *name);
/* Does the same if programs for this machine cannot be modules there, so that a build needs a
 * compiler for another architecture; else returns NULL. 32 and 64 bits of one family, such as
 * i686 and x86_64, count as one, because one compiler makes both. */
const struct architecture *architecture_find_foreign(const char *name);
/* Returns uname -m's name for an e_machine of elf(5); NULL if it is unknown. Static. */
const char *architecture_name_of_elf(int machine);

/* Returns e_machine of the ELF file at path, 0 if it is no ELF file, or a negative errno. Reads
 * 20 bytes, so it may be asked about a file of a hostile package. */
int architecture_of_file(const char *path);

/* Checks whether this machine can run the programs that kbuild has in a kernel's headers, such as
 * scripts/mod/modpost: headers that were unpacked from a package for another machine have
 * programs for that one. Returns 0, also if there are none to look at, or -ENOEXEC and an error of
 * status 21. */
int architecture_check_headers(const struct kernel *k, struct error *err);

#endif
