/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_ARCHIVE_TARBALL_WRITE_H
#define BUILDER_ARCHIVE_TARBALL_WRITE_H

#include "base/error.h"
#include "base/strv.h"

/* What goes into a tarball (its layout is in builder/archive/tarball-read.h). */
struct tarball_content {
	const char *name, *version;
	const char *source;         /* a directory */
	const char *conf;           /* binaries only: the dkms.conf, and not the source */
	const char *version_dir;    /* has the directories RELEASE/ARCH */
	const struct strv *kernels; /* "RELEASE/ARCH" */
};

/* Writes path by temporary name and rename; it is compressed as its name says (.gz .xz
 * .zst .bz2 and short forms such as .tgz; none for others). The same content gives the
 * same bytes. Appends to ret_warnings what tarball_read would not take. Errors have
 * status 9 when path cannot be written, 6 when the content cannot be read. */
int tarball_write(const char *path, const struct tarball_content *content,
	const int *cancelled, struct strv *ret_warnings, struct error *err);

#endif
