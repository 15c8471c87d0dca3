/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_FORCE_LIST_H
#define BUILDER_HOST_FORCE_LIST_H

#include "base/error.h"

/* The force list names modules that the distribution wants installed even if the kernel
 * has the same or a newer module. It consists of all words in all files of a directory:
 * NAME or NAME_version-override. */
enum force_level {
	FORCE_LEVEL_NONE,
	FORCE_LEVEL_VERSION, /* NAME_version-override: as with --force-version-override */
	FORCE_LEVEL_ALL,     /* NAME: install as with --force */
};

/* Looks name up in the files of dir. The first word for this name decides. *ret is
 * FORCE_LEVEL_NONE if there is none, or no directory. If a file cannot be read, the status of
 * the error is 1. */
int force_list_find(
	const char *dir, const char *name, enum force_level *ret, struct error *err);

#endif
