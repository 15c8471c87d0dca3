/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_FOR_KERNEL_H
#define BUILDER_CONF_FOR_KERNEL_H

#include "builder/host/kernel.h"
#include "builder/conf/evaluate.h"
#include "builder/conf/problems.h"

/* The directives of a dkms.conf that are chosen by the kernel. A bad regular expression
 * matches nothing and is added to the problems; an excluded kernel is not a problem. */

/* Returns the MAKE[i] whose MAKE_MATCH[i] matches the kernel release (the last one
 * wins), else MAKE[0] if it has no MAKE_MATCH[0]; NULL when there is none. Borrowed from
 * e. */
const char *select_make(const struct evaluation *e, struct problems *problems);

/* Appends each PATCH[i] that has no PATCH_MATCH[i] or one that matches the release. */
void select_patches(
	const struct evaluation *e, struct strv *ret, struct problems *problems);

/* Returns why BUILD_EXCLUSIVE_*[index] leaves this kernel out, as a text that fits after
 * "excluded: "; NULL when the kernel is not excluded. The caller frees it. obsolete_by
 * is the value of OBSOLETE_BY or NULL; BUILD_EXCLUSIVE_KERNEL_MAX[index] wins over it.
 * Reads the kernel's config when BUILD_EXCLUSIVE_CONFIG[index] is set. */
char *explain_exclusion(const struct evaluation *e, struct kernel *k, unsigned int index,
	const char *obsolete_by, struct problems *problems);

#endif
