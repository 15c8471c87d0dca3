/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_MEMORY_GROUP_H
#define BUILDER_RUN_MEMORY_GROUP_H

#include <stdint.h>

#include "base/error.h"

/* A control group of version 2 that limits the memory of a job's commands, as the kernel's admin-guide/cgroup-v2.rst describes. It is beside the
 * group that dkms is in, or beside one above it: there, processes of dkms are in no group that
 * has children, as the kernel demands of groups with controllers. */

/* Makes a group for at most max_bytes of memory. Returns 0, and its path in *ret, which
 * memory_group_remove() frees; or a negative errno and err: -EOPNOTSUPP if the system gives
 * dkms no such group. */
int memory_group_make(uint64_t max_bytes, char **ret, struct error *err);
/* Returns whether the kernel has killed processes of the group, because it had no memory
 * left. group may be NULL. */
bool memory_group_was_full(const char *group);
/* Removes the group, if it is not NULL; none of its processes may be left. */
void memory_group_remove(char *group);

#endif
