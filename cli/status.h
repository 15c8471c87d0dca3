/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "builder/host/settings.h"
#include "builder/tree/tree.h"
#include "cli/arguments.h"

enum status_format {
	STATUS_LINES,      /* what scripts parse; more on a terminal and with --verbose */
	STATUS_JSON,       /* one document, whose schema dkms(8) describes */
	STATUS_PROMETHEUS, /* see status-prometheus.h */
};

/* Prints to out each entry of the tree that passes the filter. Prints to errors why an entry is broken. Returns
 * the exit status: 0, or 1 if the tree cannot be read, with a message on errors. Needs no
 * privileges. */
int status_print(const struct settings *s, const struct tree_filter *filter, enum status_format format,
	FILE *out, FILE *errors);

/* Runs dkms status. Returns the exit status. */
int command_status(struct arguments *args);

#endif
