/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_TARBALL_READ_H
#define BUILDER_ARCHIVE_TARBALL_READ_H

#include "base/error.h"
#include "base/strv.h"

/* A tarball of dkms, as mktarball writes and ldtarball reads it, has at its top
 *
 *   dkms_main_tree/RELEASE/ARCH/        module/ and log/ of each kernel it is built for
 *   dkms_source_tree/                   the source, or else
 *   dkms_binaries_only/dkms.conf        with PACKAGE_NAME and PACKAGE_VERSION
 *
 * Any other tar archive with a dkms.conf in it can be read as well: the directory of the
 * dkms.conf is the source. */

/* What a tarball holds, unpacked. */
struct tarball {
	char *source;       /* the directory of its dkms.conf */
	bool binaries_only; /* there is nothing in source but that */
	bool ours;          /* made by mktarball */
	char *main_tree; /* has the directories RELEASE/ARCH; NULL when there is none */
	struct strv kernels;  /* "RELEASE/ARCH" */
	struct strv warnings; /* a line each */
};

/* Unpacks path into dir, an empty directory, which the caller removes in any case.
 * Errors: status 2, there is no such file; 3, it is no archive, is damaged, holds what
 * is refused (builder/archive/unpack.h) or has no dkms.conf; 7, the dkms.conf is not where it
 * must be, is a link, or there are two. -ECANCELED as unpack(). tarball_done frees. */
int tarball_read(const char *path, const char *dir, const int *cancelled,
	struct tarball *ret, struct error *err);
void tarball_done(struct tarball *t);

#endif
