/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_HOST_INVENTORY_H
#define BUILDER_HOST_INVENTORY_H

#include "base/str.h"
#include "base/strv.h"
#include "cache/statcache.h"

/* What this machine has, as lines of text for the key of a cache entry. */

/* Appends what a compiler's option -march=native depends on: the first processor's model
 * and features. */
void inventory_add_processor(struct str *ret);

/* Appends what uname(1) says about the running kernel, without the machine's name. */
void inventory_add_running_kernel(struct str *ret);

/* Appends what a compiler's option -march=native depends on: the first processor's model
 * and features. */
void inventory_add_processor(struct str *ret);

/* Appends a line "PATH DIGEST" for each compiler, linker, shell and similar tool in the
 * directories of path, for the programs that compilers run internally (cc1), and for each
 * program that words, the words of commands, name. The digest is "unusable" if no program
 * can be run at that path. Adds a line "PATH dir" or "PATH missing" for each directory
 * that it has looked into, so that the text names all that it was made from. */
void inventory_add_tools(struct statcache *stats, const struct strv *path,
	const struct strv *words, struct str *ret);

#endif
