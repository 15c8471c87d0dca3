/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"
#include "cli/arguments.h"

/* dkms status: one line to out for each entry of the tree that passes the filter, or one
 * JSON document, whose schema dkms(8) describes; to errors, what is wrong with broken
 * ones. Returns the exit status: 0, or 1 when the tree cannot be read, which is told on
 * errors. Needs no privileges. */
int status_print(const struct settings *s, const struct tree_filter *filter, bool json,
	FILE *out, FILE *errors);

/* dkms status with these arguments. Returns the exit status. */
int command_status(struct arguments *args);

#endif
