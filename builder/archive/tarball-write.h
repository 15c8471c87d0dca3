/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_TARBALL_WRITE_H
#define BUILDER_ARCHIVE_TARBALL_WRITE_H

#include "base/error.h"
#include "base/source-date.h"
#include "base/strv.h"
#include "builder/host/kernel-names.h"

/* What goes into a tarball. builder/archive/tarball-read.h describes its layout. */
struct tarball_content {
	const char *name, *version;
	const char *source;         /* the directory of the source */
	const char *conf;           /* a dkms.conf to pack without the source, or NULL */
	const char *version_dir;    /* holds the directories RELEASE/ARCH */
	const struct kernel_names *kernels; /* sorted by release */
	struct source_date date;            /* no entry is later */
};

/* Writes the tarball to a temporary file and renames that to path. The suffix of path
 * chooses the compression (.gz .xz .zst .bz2 and short forms such as .tgz; none for
 * others). The same content gives the same bytes. Returns 0 or a negative errno. The
 * exit status of an error is 9 if path cannot be written, 6 if the content cannot be
 * read. Appends to ret_warnings what tarball_read() would refuse. Returns -ECANCELED
 * when *cancelled becomes other than 0; cancelled may be NULL. */
int tarball_write(const char *path, const struct tarball_content *content,
	const int *cancelled, struct strv *ret_warnings, struct error *err);

#endif
