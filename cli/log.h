/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/arguments.h"

/* Runs dkms log: shows the log of the newest build that has failed, of those that the
 * arguments name, or of the newest one that has succeeded. On a terminal it opens a pager at
 * the first error. Returns the exit status. */
int command_log(struct arguments *args);

#endif
