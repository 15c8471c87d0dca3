/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_KERNEL_HOOKS_H
#define CLI_KERNEL_HOOKS_H

#include "cli/arguments.h"

/* Commands that the packages of kernels call. Each returns the exit status. */
int command_kernel_preinst(struct arguments *args);
int command_kernel_prerm(struct arguments *args);

#endif
