/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_SCRIPTS_H
#define BUILDER_BUILD_SCRIPTS_H

#include <stdbool.h>

#include "base/guard.h"
#include "base/str.h"
#include "base/walk.h"

/* Calls f with the text of each makefile, script and patch below dir: of each file that is
 * likely to say what a build does. Files that cannot be read, and an absent dir, are left out.
 * The text lives until f returns. */
void scripts_each(const char *dir, void (*f)(const char *text, void *userdata), void *userdata);
/* Reads the file that a walk has found, if it is no larger than a makefile can be, and if the guard of
 * the directory that the walk began in lets it pass; NULL: all pass. Returns
 * whether that was possible. The caller frees *ret in any case. */
bool scripts_read(
	const struct read_guard *guard, const struct walk_entry *e, struct str *ret);

#endif
