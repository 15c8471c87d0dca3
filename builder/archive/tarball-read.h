/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_TARBALL_READ_H
#define BUILDER_ARCHIVE_TARBALL_READ_H

#include "base/error.h"
#include "base/strv.h"
#include "builder/host/kernel-names.h"

/* A tarball of dkms, which mktarball writes and ldtarball reads, has these paths:
 *
 *   dkms_main_tree/RELEASE/ARCH/        module/ and log/ of each kernel it is built for
 *   dkms_source_tree/                   the source; or, instead of that,
 *   dkms_binaries_only/dkms.conf        beside PACKAGE_NAME and PACKAGE_VERSION
 *
 * Any other tar archive with a dkms.conf in it can be read as well. The directory of the
 * dkms.conf is the source then. */

/* An unpacked tarball. */
struct tarball {
	char *source;         /* the directory of its dkms.conf */
	bool binaries_only;   /* source holds nothing but the dkms.conf */
	bool made_by_dkms;    /* by mktarball */
	char *main_tree;      /* holds the directories RELEASE/ARCH, or NULL */
	struct kernel_names kernels;
	struct strv warnings; /* one line each */
};

/* Unpacks the archive at path into dir, an empty directory that the caller removes even
 * after an error. Returns 0 and fills ret, which tarball_done() frees, or a negative
 * errno. The exit status of an error is 2 if there is no such file; 3 if the file is not
 * an archive, is damaged, holds what is refused (builder/archive/unpack.h) or has no
 * dkms.conf; 7 if the dkms.conf is in the wrong place or is a link, or if there are two.
 * cancelled is as for unpack_archive(). */
int tarball_read(const char *path, const char *dir, const int *cancelled,
	struct tarball *ret, struct error *err);
void tarball_done(struct tarball *t);

#endif
