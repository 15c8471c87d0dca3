/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KBUILD_H
#define BUILDER_REUSE_KBUILD_H

#include "cache/line-index.h"
#include "builder/host/kernel.h"

/* What an object that kbuild compiles depends on, apart from the files in its .cmd
 * file. */

/* Appends the kernel's options as make (auto.conf) and the compiler (autoconf.h) see
 * them, for kbuild_option_value(). Returns 0 or a negative errno. */
int kbuild_read_options(const struct kernel *k, struct str *ret);
/* Appends the names of the options that a text mentions, without CONFIG_. */
void kbuild_find_option_names(const char *text, struct strv *ret);
/* Returns the value of an option ("SMP" for CONFIG_SMP) for make and for the compiler, in
 * the index of what kbuild_read_options() appended. Also contains the value of
 * CONFIG_SMP_MODULE, which IS_ENABLED(CONFIG_SMP) tests. If two kernels have the same
 * value, neither make nor the compiler can see a difference. The caller frees. */
char *kbuild_option_value(const struct line_index *options, const char *name);

/* Appends a description of the kernel's family: what two kernels must have in common so
 * that the objects of one can be used for the other. kbuild.c says what this is. headers
 * is the listing of the kernel's header directories, header_mounts is from
 * header_mounts_list(), options is the index of the kernel's options. */
void kbuild_describe_family(const struct kernel *k, const char *headers,
	const struct strv *header_mounts, const struct line_index *options,
	struct str *ret);

#endif
