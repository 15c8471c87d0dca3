/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_FORCE_LIST_H
#define BUILDER_HOST_FORCE_LIST_H

#include "base/util.h"

/* Packages that the distribution wants installed over what the kernel has: words in the
 * files of a directory, NAME or NAME_version-override. */
enum force_level {
	FORCE_LEVEL_NONE,
	FORCE_LEVEL_VERSION, /* as with --force-version-override */
	FORCE_LEVEL_ALL,	/* as with --force, for the install */
};

/* What the files in dir say of the package; FORCE_LEVEL_NONE also when there are none. The
 * first word that is about it counts. */
enum force_level force_list_find(const char *dir, const char *name);

#endif
