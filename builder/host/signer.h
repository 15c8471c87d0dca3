/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SIGNER_H
#define BUILDER_HOST_SIGNER_H

#include "builder/host/kernel.h"

/* Tells whether this process is in a chroot or in another mount namespace than process 1.
 * proc is "/proc", except in tests. Returns true if there is no /proc, and false if
 * process 1 may not be looked at. */
bool signer_is_in_chroot(const char *proc);

/* Tells whether a missing key may be made for a build: with try_sign_modules=true, or if it is
 * certain that this is no chroot, where an image may be built. Users other than root, who may
 * not look at process 1, have keys of their own. */
bool signer_may_make_key(const struct settings *s, const char *proc);

/* Returns why the modules for a kernel are not to be signed, which is no error: because
 * of try_sign_modules, or because the kernel's configuration has no
 * CONFIG_MODULE_SIG_HASH. The text is static. Returns NULL if they are to be signed. */
const char *signer_unwanted_reason(
	const struct settings *s, struct kernel *k, const char *proc);

/* Finds the program that signs modules: sign_file of the settings, otherwise that of the
 * distribution, otherwise that of the headers. root is put before the distribution's
 * paths: it is "" except in tests. search is a PATH. The caller frees *ret. Errors have
 * status 1 and name the missing program. */
int signer_find_program(const struct settings *s, const struct kernel *k,
	const char *root, const char *search, char **ret, struct error *err);

/* Returns the kernel's CONFIG_MODULE_SIG_HASH without quotes; the caller frees. NULL if
 * it is not set. */
char *signer_hash(struct kernel *k);

#endif
