/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_TOOLCHAIN_H
#define BUILDER_HOST_TOOLCHAIN_H

#include "builder/host/kernel.h"

/* What a kernel says about the compiler that built it. A member is NULL if it says
 * nothing. */
struct toolchain_facts {
	const char *cc_version_text; /* CONFIG_CC_VERSION_TEXT, with or without quotes */
	bool clang;		     /* CONFIG_CC_IS_CLANG */
	bool lld;		     /* CONFIG_LD_IS_LLD */
	const char *kernelvariables; /* content of the headers' .kernelvariables */
	/* For a kernel of another architecture than this machine's: */
	const char *arch;   /* kbuild's name of it: "arm64" */
	const char *prefix; /* what the names of its programs begin with: "aarch64-linux-gnu-" */
};

/* The variables to set for a build. NULL: leave it to the defaults of the makefiles. */
struct toolchain {
	char *cc;   /* CC and KERNEL_CC: "gcc-12" */
	char *ld;   /* LD and KERNEL_LD: "ld.lld" */
	char *llvm; /* LLVM: "1", or "-16" if the names of all LLVM programs end so */
	/* For a kernel of another architecture, which also needs the right cc or llvm: */
	char *arch;    /* ARCH */
	char *prefix;  /* CROSS_COMPILE; NULL for LLVM, whose programs serve all architectures */
	char *missing; /* the compiler that is not installed, or NULL */
};

/* The search of a machine that compiles nothing: all programs count as installed, so that it
 * chooses what a machine chooses that has the compiler of the kernel. */
#define TOOLCHAIN_ALL "*"

/* Chooses by the facts and by the programs in search, a PATH. Does not choose a compiler
 * that is not installed. toolchain_done() frees. */
void toolchain_choose(const struct toolchain_facts *facts, const char *search,
	struct toolchain *ret);
/* Does the same with the facts from a kernel's configuration and headers. Call it from
 * the thread of the loop. If one of them cannot be read, the status of the error is 1, because
 * another compiler could build another module. */
int toolchain_choose_for_kernel(struct kernel *k, const char *search,
	struct toolchain *ret, struct error *err);
void toolchain_done(struct toolchain *t);

/* Returns the name of a program of the GNU binutils, such as strip, for the kernel's
 * architecture; the caller frees. */
char *toolchain_program(const struct toolchain *t, const char *name);

/* Sets the variables in an environment. LLVM is set there too and not given to make as an
 * argument, so that each make of a command line and all scripts get it. */
void toolchain_set_environment(const struct toolchain *t, struct strv *env);

#endif
