/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_KBUILD_OBJECTS_H
#define BUILDER_REUSE_KBUILD_OBJECTS_H

#include "base/strv.h"
#include "builder/build/build.h"

/* An object that kbuild compiled in a build directory. */
struct kbuild_object {
	char *name;     /* "src/main.o", below the build directory */
	char *cmd_name; /* "src/.main.o.cmd" */
	struct strv
		files; /* paths, as make sees them, of the source and of all files that
			      * it includes */
	struct strv options; /* that these files mention: "SMP" for CONFIG_SMP */
};

struct kbuild_objects {
	struct kbuild_object *items;
	size_t n;
};

/* Finds all objects in the build directory by their .cmd files (cmdfile.h). Leaves out an
 * object if its .cmd file cannot be parsed, if its command line reads files that are not
 * in any list, or if it was changed after kbuild wrote the .cmd file.
 * kbuild_objects_done() frees. */
void kbuild_objects_find(const struct build *b, struct kbuild_objects *ret);
void kbuild_objects_done(struct kbuild_objects *objects);

#endif
