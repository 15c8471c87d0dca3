/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CMDFILE_H
#define BUILDER_REUSE_CMDFILE_H

#include "base/str.h"
#include "base/strv.h"

/* The content of a .cmd file: kbuild writes how it compiled NAME.o to .NAME.o.cmd. */
struct cmdfile {
	char *target;  /* the object, as it is called in the makefile */
	char *command; /* the command line of the compiler and of what runs after it */
	struct strv
		files; /* first the source, then all files that the compiler read, with
			      * paths relative to the directory that make ran in */
	struct strv options; /* that these files mention: "SMP" for CONFIG_SMP */
};

/* Parses the text of a .cmd file; cmdfile.c describes the format. Returns 0, or -EINVAL
 * if the file is not about an object that is compiled from a source, or contains
 * something unknown. cmdfile_done() frees *ret. */
int cmdfile_parse(const char *text, struct cmdfile *ret);
void cmdfile_done(struct cmdfile *c);

#endif
