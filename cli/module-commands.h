/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MODULE_COMMANDS_H
#define CLI_MODULE_COMMANDS_H

#include "cli/options.h"

/* hooks.c: what kernel packages call, and match. Each returns the exit status. */
int command_match(struct arguments *args);
int command_kernel_preinst(struct arguments *args);
int command_kernel_prerm(struct arguments *args);

#endif
