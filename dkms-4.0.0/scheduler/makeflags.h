/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_MAKEFLAGS_H
#define SCHEDULER_MAKEFLAGS_H

#include <stdbool.h>

/* What the MAKEFLAGS of a make say about its job slots. */
struct makeflags {
	bool jobserver;	       /* it names a jobserver: one of the following */
	int read_fd, write_fd; /* a pipe's ends; negative when they are not passed on */
	char *fifo;	       /* a named pipe, or NULL */
	unsigned int jobs;     /* of -jN, or 0 */
};

/* text may be NULL. makeflags_done frees. */
void makeflags_parse(const char *text, struct makeflags *ret);
void makeflags_done(struct makeflags *m);

#endif
