/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_WHY_H
#define CLI_WHY_H

#include "cli/arguments.h"

/* dkms why; returns the exit status. */
int command_why(struct arguments *args);

#endif
