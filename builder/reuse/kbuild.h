/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KBUILD_H
#define BUILDER_REUSE_KBUILD_H

#include "cache/line-index.h"
#include "builder/host/kernel.h"

/* What an object that kbuild makes depends on besides the files that it names. */

/* Appends the kernel's options as the compiler (autoconf.h) and make (auto.conf) see
 * them, for kbuild_option(). 0 or a negative errno. */
int kbuild_options(const struct kernel *k, struct str *ret);
/* Adds the names of options that a text mentions, without CONFIG_. */
void kbuild_find_options(const char *text, struct strv *ret);
/* The value of an option ("SMP" for CONFIG_SMP, and its _MODULE) in that text: the same
 * in two kernels only if none of them can tell the difference. Caller frees. */
char *kbuild_option(const struct line_index *options, const char *name);

/* Appends what two kernels must have in common for an object of one to serve the other at
 * all: kbuild's own scripts and tools, the options that these look at, and which headers
 * there are, since a compiler may find one that it did not find for the other. headers: a
 * listing of the kernel's trees; places: of header_mounts_list(). */
void kbuild_family(const struct kernel *k, const char *headers, const struct strv *places,
	const struct line_index *options, struct str *ret);

#endif
