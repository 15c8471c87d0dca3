/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_TOOLCHAIN_H
#define BUILDER_HOST_TOOLCHAIN_H

#include "builder/host/kernel.h"

/* What a kernel says about what it was built with; NULL where it says nothing. */
struct toolchain_facts {
	const char *cc_version_text; /* CONFIG_CC_VERSION_TEXT, with or without quotes */
	bool clang;		     /* CONFIG_CC_IS_CLANG */
	bool lld;		     /* CONFIG_LD_IS_LLD */
	const char *kernelvariables; /* the text of the headers' .kernelvariables */
};

/* What a build is told. NULL: nothing, the makefiles' own defaults are right. */
struct toolchain {
	char *cc;   /* for CC and KERNEL_CC: "gcc-12" */
	char *ld;   /* for LD and KERNEL_LD: "ld.lld" */
	char *llvm; /* for LLVM: "1", or "-16" when all LLVM programs are named so */
};

/* Chooses by the facts and by which programs are in search, a PATH. A compiler that is
 * not installed is not chosen. toolchain_done frees. */
void toolchain_choose(const struct toolchain_facts *facts, const char *search,
	struct toolchain *ret);
/* The same for the kernel's config and headers. The loop's thread. */
void toolchain_choose_for_kernel(struct kernel *k, const char *search, struct toolchain *ret);
void toolchain_done(struct toolchain *t);

/* Sets the variables in an environment. They and not an argument of make tell of LLVM, so
 * that every make of a command line hears it, and the scripts too. */
void toolchain_set_environment(const struct toolchain *t, struct strv *env);

#endif
