/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SECUREBOOT_H
#define CLI_SECUREBOOT_H

#include "cli/arguments.h"

/* Runs dkms secureboot. Returns 0 if the running kernel will load what is installed, 1 if there
 * is something to do first, or if that cannot be known. */
int command_secureboot(struct arguments *args);

/* Prints one warning if Secure Boot is on and the certificate of the key that signs modules for
 * this kernel is not enrolled. To be called after modules were installed. Says nothing of a
 * private install tree, where modules are not loaded from, and in a chroot. */
void secureboot_warn(const struct settings *s, const char *release);

#endif
