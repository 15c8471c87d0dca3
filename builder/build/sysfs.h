/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_SYSFS_H
#define BUILDER_BUILD_SYSFS_H

#include "builder/job/job.h"

/* What the commands of a build see at /sys: copies of those files that tell what kind of
 * machine this is: the processors (online, possible, ...), the names and versions of board,
 * product and firmware, and the model of a device tree. There are no serial numbers, no
 * asset tags and no files that only root can read, and nothing of the devices and modules
 * of the running kernel. The directories of the processors are there and empty. */

/* Whether path, in /sys, is one of these files. It need not exist on this machine. */
bool sysfs_shows(const char *path);
/* Appends a line for each file that exists, with its path and content, for a key. */
void sysfs_describe(struct str *s);
/* Makes dir with the copies of the files. Returns 0, or a negative errno and err. */
int sysfs_copy(const char *dir, struct error *err);

#endif
