/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PACK_H
#define CLI_PACK_H

#include "cli/arguments.h"

/* Commands that pack a module. Each returns the exit status. */
int command_mktarball(struct arguments *args);
int command_mkdeb(struct arguments *args);
int command_mkrpm(struct arguments *args);

#endif
