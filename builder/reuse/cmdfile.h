/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_CMDFILE_H
#define BUILDER_REUSE_CMDFILE_H

#include "base/str.h"
#include "base/strv.h"

/* What kbuild noted about how it has made an object, in .NAME.o.cmd beside it. */
struct cmdfile {
	char *target;	     /* as make calls it */
	char *command;	     /* what the compiler and those after it were told */
	struct strv files;   /* the source first, then all files that it read; as they are
			      * called where make ran */
	struct strv configs; /* options that these mention: "SMP" for CONFIG_SMP */
};

/* 0, or -EINVAL when it is not about compiling a source, or has something in it that is not
 * known here. cmdfile_done frees *ret. */
int cmdfile_parse(const char *text, struct cmdfile *ret);
void cmdfile_done(struct cmdfile *c);

#endif
