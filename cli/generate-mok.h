/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_GENERATE_MOK_H
#define CLI_GENERATE_MOK_H

#include "cli/arguments.h"

/* Runs dkms generate_mok. Returns the exit status. */
int command_generate_mok(struct arguments *args);

#endif
