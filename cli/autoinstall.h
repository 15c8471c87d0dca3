/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_AUTOINSTALL_H
#define CLI_AUTOINSTALL_H

#include "cli/arguments.h"

/* Runs dkms autoinstall or kernel_postinst. Returns the exit status. */
int command_autoinstall(struct arguments *args);

#endif
