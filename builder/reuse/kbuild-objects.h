/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KBUILD_OBJECTS_H
#define BUILDER_REUSE_KBUILD_OBJECTS_H

#include "base/strv.h"
#include "builder/build/build.h"

/* The objects that kbuild has compiled in a build directory, by its own .cmd files. */

struct object {
	char *name;	 /* "src/main.o", below the build directory */
	char *cmd_name;	 /* "src/.main.o.cmd" */
	struct strv read; /* files that it depends on, as the build sees them */
	struct strv configs;
};

struct compiled {
	struct object *items;
	size_t n;
};

/* Leaves out those whose .cmd file is not understood, or whose command reads files that are in
 * no list, and those that were changed after that. compiled_done frees. */
void compiled_find(const struct build *b, struct compiled *ret);
void compiled_done(struct compiled *c);

/* Calls visit with the name of each file below the build directory, but not behind links. */
void build_walk(const struct build *b,
	void (*visit)(void *userdata, const struct build *b, const char *name), void *userdata);

#endif
