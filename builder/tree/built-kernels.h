/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_BUILT_KERNELS_H
#define BUILDER_TREE_BUILT_KERNELS_H

#include "base/util.h"
#include "builder/host/kernel-names.h"

/* For which kernels is a version built, whatever has become of its source? */

/* Appends the kernels whose RELEASE/ARCH/module exists in a directory NAME/VERSION, sorted
 * by name. version_dir is relative to the descriptor parent (or AT_FDCWD).
 * kernel_names_done() frees. Returns 0, also if there is no such directory, or a negative
 * errno. */
int built_kernels_list(int parent, const char *version_dir, struct kernel_names *ret);

/* Tells whether an entry of the directory NAME/VERSION may be a kernel release. */
bool built_kernels_is_release(const char *s);

#endif
