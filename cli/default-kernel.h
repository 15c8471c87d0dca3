/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DEFAULT_KERNEL_H
#define CLI_DEFAULT_KERNEL_H

#include "cli/arguments.h"

/* Returns the release of the kernel that a command without -k acts on; the caller frees. With
 * says, prints a warning if that is not the running kernel, because that is not installed
 * here, and if the command does something with the kernel. */
char *default_kernel_release(const struct arguments *args, bool says);

/* Prints a warning if a command without -k that removes has nothing to remove for the running
 * kernel, but the version is there for others, which it names. */
void default_kernel_warn_removal(
	const struct arguments *args, const char *running, const char *arch);

#endif
