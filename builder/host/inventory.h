/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_INVENTORY_H
#define BUILDER_HOST_INVENTORY_H

#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* The machine that a build runs on, as text for a key. */

/* Appends what a build could find out: installed packages (but for kernels and modules,
 * which have parts of their own or are hidden), the processor, the running kernel. */
void inventory_add_system(struct str *ret);

/* Appends "PATH DIGEST" for the compilers, linkers, shells and so on in the
 * directories of path, for what these run behind the scenes (cc1), and for those
 * of words that name a program. */
void inventory_add_tools(struct statcache *stats, const struct strv *path, const struct strv *words,
	struct str *ret);

#endif
