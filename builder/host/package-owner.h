/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_PACKAGE_OWNER_H
#define BUILDER_HOST_PACKAGE_OWNER_H

#include "base/strv.h"

/* Finds the installed packages that files belong to, in one pass for all n paths. Sets
 * each element of ret to "NAME VERSION ARCHITECTURE", which the caller frees, or to NULL
 * if the file belongs to no package, or if the package manager is neither dpkg nor rpm.
 * paths must be absolute. Links in them are not followed, but where /bin and the like
 * are links to directories in /usr, /bin/x and /usr/bin/x are the same. root is "", or
 * the directory of another system. With dpkg, this reads all of its lists of files, which
 * takes some 40 ms; with rpm, it runs rpm(8). */
void package_owners(const char *root, const struct strv *paths, char **ret);
/* Does the same for one file of this system, with all links resolved: /usr/bin/awk is of
 * the package with the program that it leads to. The caller frees the result. */
char *package_of_file(const char *path);

#endif
