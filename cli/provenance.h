/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PROVENANCE_H
#define CLI_PROVENANCE_H

#include "cli/arguments.h"

/* Runs dkms provenance, which prints the statement of builder/reuse/provenance.h about
 * the modules that are built for a kernel. Returns the exit status. */
int command_provenance(struct arguments *args);

#endif
