/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_TREE_SOURCE_LOCK_H
#define BUILDER_TREE_SOURCE_LOCK_H

#include "builder/host/settings.h"

/* What the names of stages in the source tree begin with. */
#define SOURCE_STAGE ".dkms-"

/* Who puts a source in place and registers it holds this lock, which a descriptor stands
 * for, so that what has been put there is what is registered. Waits for it. */
int lock_sources(const struct settings *s);

#endif
