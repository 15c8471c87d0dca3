/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_HEADER_TREES_H
#define BUILDER_HOST_HEADER_TREES_H

#include "builder/host/kernel.h"

/* Appends the real paths of the directories that a build for this kernel reads:
 * - the kernel's headers, which come first;
 * - each directory that their Makefile names, because the Makefile of a small header
 *   directory often includes that of the headers which all flavours share;
 * - the target of each link at the top of these directories (scripts, tools). If there is
 * a Makefile beside the target, its parent directory is listed instead, because links
 *   further down may lead to the rest of it.
 * A directory inside one that is listed already is left out. Later calls for the same k return what
 * the first one has found. May be called from any thread. */
void header_trees_list(struct kernel *k, struct strv *ret);

#endif
