/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_HEADER_MOUNTS_H
#define BUILDER_HOST_HEADER_MOUNTS_H

#include "cache/digest.h"
#include "builder/host/kernel.h"

/* Appends where a sandbox has to mount the kernel's header directories, so that they have
 * the same paths for all kernels: pairs of a real path and the path to mount it at.
 * Appends nothing if the headers do not have the layout that header-mounts.c describes.
 */
void header_mounts_list(const struct kernel *k, struct strv *ret);
/* Return the path that a sandbox with these mounts shows a real path at, and the reverse.
 * The caller frees. NULL if the path is in none of the mounts. */
char *header_mounts_sandbox_path(const struct strv *mounts, const char *path);
char *header_mounts_real_path(const struct strv *mounts, const char *sandbox_path);

/* Returns a digest that is the same for all kernels of one family. Kernels of one family
 * have such mounts and share the Makefile of their common headers, so objects compiled
 * for one may serve another. Returns false if the kernel belongs to no family, because it
 * has no such mounts or because that Makefile cannot be read. */
bool header_mounts_family(const struct kernel *k, struct digest *ret);

#endif
