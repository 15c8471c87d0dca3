/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_MERGE_H
#define CLI_MERGE_H

#include "cli/arguments.h"

/* Runs dkms merge: makes one document of those that the parts of a plan have printed. Returns the
 * exit status: the worst one of the parts, or 1 if a part or a cell is missing. */
int command_merge(struct arguments *args);

#endif
