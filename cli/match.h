/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MATCH_H
#define CLI_MATCH_H

#include "cli/arguments.h"

/* Runs dkms match. Returns the exit status. */
int command_match(struct arguments *args);

#endif
