/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command-row.h"

/* All commands. The last row has no name. */
extern const struct command_row commands[];

#endif
