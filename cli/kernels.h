/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_KERNELS_H
#define CLI_KERNELS_H

#include "cli/arguments.h"

/* Runs dkms kernels. Returns 0, or the status of an error if a tree cannot be read. */
int command_kernels(struct arguments *args);

#endif
