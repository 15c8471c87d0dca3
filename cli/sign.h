/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SIGN_H
#define CLI_SIGN_H

#include "cli/arguments.h"

/* Runs dkms sign. Returns the exit status. */
int command_sign(struct arguments *args);

#endif
