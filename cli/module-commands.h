/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MODULE_COMMANDS_H
#define CLI_MODULE_COMMANDS_H

#include "cli/arguments.h"

/* Commands that add, build and install a module, and their opposites. Each returns the exit
 * status. */
int command_add(struct arguments *args);
int command_build(struct arguments *args);
int command_install(struct arguments *args);
int command_uninstall(struct arguments *args);
int command_unbuild(struct arguments *args);
int command_remove(struct arguments *args);
int command_ldtarball(struct arguments *args);

#endif
