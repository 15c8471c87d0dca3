/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "cli/arguments.h"

/* Runs dkms cache stats, verify, gc, clear or why. Returns the exit status. */
int command_cache(struct arguments *args);

#endif
