/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_INSTALL_DESTINATIONS_H
#define BUILDER_INSTALL_DESTINATIONS_H

#include "builder/job/job.h"

/* What the name of a file has behind it while it is beside its place. */
#define PLACED_STAGED ".dkms-new"

/* The files of a built package and where they are in a kernel's tree. */

struct placed_file {
	char *name;  /* of the module, as in struct kernel_module */
	char *file;  /* "evdi.ko.xz" */
	char *built; /* its path in the dkms tree */
	char *dest;  /* its place in the kernel's tree, whether it is there or not */
};

struct placed {
	struct placed_file *files;
	size_t n;
};

/* What the dkms.conf says is to be installed. Each module must have been built:
 * -ENOENT and status 6 else. placed_done frees. */
int placed_by_conf(const struct job *job, struct placed *ret, struct error *err);

/* What an installed version has in the kernel's tree: its built files, looked for where
 * the job's conf (which may be NULL) puts them, then as identical files anywhere. Those
 * not found have dest NULL. The caller holds the kernel's lock, and kernel_find_modules() has
 * been called. placed_done frees. */
void placed_by_tree(const struct job *job, const char *version, struct placed *ret);

void placed_done(struct placed *p);

#endif
