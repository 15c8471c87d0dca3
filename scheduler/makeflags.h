/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_MAKEFLAGS_H
#define SCHEDULER_MAKEFLAGS_H

#include <stdbool.h>

/* What MAKEFLAGS says about the job slots of the make that has set it. */
struct makeflags {
	bool jobserver;	       /* it names a jobserver, in one of the following forms */
	/* the ends of a pipe; negative: make does not pass them on */
	int read_fd, write_fd;
	char *fifo;	       /* the path of a named pipe, or NULL */
	unsigned int jobs;     /* N of -jN, or 0 if it is not given */
};

/* Parses the value of MAKEFLAGS. text may be NULL. makeflags_done frees. */
void makeflags_parse(const char *text, struct makeflags *ret);
void makeflags_done(struct makeflags *m);

#endif
