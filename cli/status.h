/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"
#include "cli/arguments.h"

/* Prints to out a line for each entry of the tree that passes the filter, or one JSON document
 * with them, whose schema dkms(8) describes. Prints to errors why an entry is broken. Returns
 * the exit status: 0, or 1 if the tree cannot be read, with a message on errors. Needs no
 * privileges. */
int status_print(const struct settings *s, const struct tree_filter *filter, bool json,
	FILE *out, FILE *errors);

/* Runs dkms status. Returns the exit status. */
int command_status(struct arguments *args);

#endif
