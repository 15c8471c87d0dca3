/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_INVENTORY_H
#define BUILDER_HOST_INVENTORY_H

#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* What is installed on this machine, as lines of text for the key of a cache entry. */

/* Appends what a build can find out about the machine: the installed packages, the
 * processor and the running kernel. Leaves out packages of kernels and modules, because
 * other parts of the key cover them or builds do not see them. */
void inventory_add_system(struct str *ret);

/* Appends a line "PATH DIGEST" for each compiler, linker, shell and similar tool in the
 * directories of path, for the programs that compilers run internally (cc1), and for each
 * program that words, the words of commands, name. */
void inventory_add_tools(struct statcache *stats, const struct strv *path,
	const struct strv *words, struct str *ret);

#endif
