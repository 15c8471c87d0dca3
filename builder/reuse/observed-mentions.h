/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBSERVED_MENTIONS_H
#define BUILDER_REUSE_OBSERVED_MENTIONS_H

#include "cache/manifest.h"
#include "builder/job/job.h"

/* Words that the makefiles and scripts of a package contain. */
struct observed_words {
	bool others; /* something of other packages: builder/build/others.h */
	bool native; /* compilers make code for the machine's own processor */
	bool sysfs;  /* files in /sys may be read */
	bool user;   /* the number of the user may be asked for: UID, EUID, getuid */
};

/* Adds to a manifest whether there is something at each path that a makefile or script of
 * the package, or a command of its dkms.conf, spells out and that the build could see in
 * its sandbox: it may have tested this without opening the file. If a variable or wildcard
 * follows a path in the source tree, adds the names there that begin so, or the listing of the
 * directory. Also adds where other modules are whose file names are spelled out, and the
 * programs that they look for with "command -v" or the like. Returns which words they contain.
 * The word native is also looked for in variables and in the commands that kbuild ran. */
struct observed_words observed_add_mentioned(
	const struct job *job, const struct sandbox *box, struct manifest *m);

#endif
