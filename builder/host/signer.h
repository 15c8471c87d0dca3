/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_SIGNER_H
#define BUILDER_HOST_SIGNER_H

#include "builder/host/kernel.h"

/* Whether this process sees another file system than the machine's first process: a
 * chroot, or a mount namespace. proc is "/proc". Without a /proc it is a chroot; where we
 * may not look at process 1, it is none. */
bool signer_is_in_chroot(const char *proc);

/* Why the kernel's modules are not to be signed, which is no fault (try_sign_modules, no
 * CONFIG_MODULE_SIG_HASH in its config); static; NULL when they are. The loop's thread.
 */
const char *signer_unwanted_reason(const struct settings *s, struct kernel *k, const char *proc);

/* The program that signs: sign_file, else the distribution's, else that of the headers.
 * root is put before the distribution's places: "" but in tests. search is a PATH. Errors
 * have status 1 and name what is missing. Caller frees. */
int signer_find_program(const struct settings *s, const struct kernel *k, const char *root,
	const char *search, char **ret, struct error *err);

/* True when a signature is at the end of the module file. */
bool signer_file_is_signed(const char *path);

/* The kernel's CONFIG_MODULE_SIG_HASH without its quotes; caller frees; NULL when unset.
 */
char *signer_hash(struct kernel *k);

#endif
