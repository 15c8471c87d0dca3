/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DIRECTORY_H
#define CLI_DIRECTORY_H

#include "cli/arguments.h"

/* Sets the name and the version to those in the dkms.conf of the directory that was given as
 * the operand, which is evaluated like any other. For commands that do not add it. Returns 0,
 * or a negative errno. */
int directory_resolve(struct arguments *args, struct error *err);

#endif
