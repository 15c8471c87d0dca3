/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SKIP_H
#define CLI_SKIP_H

#include "cli/arguments.h"

/* dkms skip and dkms unskip; they return the exit status. */
int command_skip(struct arguments *args);
int command_unskip(struct arguments *args);

#endif
