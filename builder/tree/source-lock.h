/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_SOURCE_LOCK_H
#define BUILDER_TREE_SOURCE_LOCK_H

#include "builder/host/settings.h"

/* The prefix of temporary directories in the source tree. */
#define SOURCE_STAGE ".dkms-"

/* Locks the source tree, after waiting for the process that holds the lock. A process
 * holds it while it puts a source there and registers it, so that no other process
 * replaces the source in between. Returns a descriptor; closing it releases the lock.
 * Returns a negative number if the source tree cannot be opened. */
int source_lock_take(const struct settings *s);

#endif
