/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_PACKAGES_H
#define BUILDER_HOST_PACKAGES_H

#include "base/error.h"
#include "base/str.h"

/* The files and directories that say which packages are installed, whether they exist or
 * not; NULL-terminated. One of them changes whenever a package is installed or removed. */
extern const char *const packages_databases[];

/* Appends a line "package:NAME:ARCHITECTURE VERSION" for each package whose files are
 * installed, sorted, according to dpkg, rpm, pacman and apk; pacman's packages have no
 * architecture. Whether a package is already configured does not matter. Leaves out
 * packages of kernels and modules, because other parts of a key cover them or builds do
 * not see them. root is "", or the directory of another system. Returns 0, or a negative
 * errno and err if a database cannot be read: -EAGAIN if it keeps changing. */
int packages_list(const char *root, struct str *ret, struct error *err);

#endif
