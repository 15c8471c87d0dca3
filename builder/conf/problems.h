/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_PROBLEMS_H
#define BUILDER_CONF_PROBLEMS_H

#include "base/error.h"
#include "base/str.h"

/* All problems of one configuration file, so that its author can fix them in one go.
 * Each is a line: "/usr/src/x-1/dkms.conf: AUTOINSTALL is maybe, not yes or no". Start
 * with a zeroed struct and set subject. */
struct problems {
	const char *subject; /* the names of the files, borrowed */
	size_t n;            /* how many were added */
	struct str text;     /* one line for each of the first PROBLEMS_MAX */
	char *remedy;        /* for the first problem, or NULL */
};

/* How many problems are kept; the others are only counted. */
#define PROBLEMS_MAX 16

/* Adds a problem. */
void problems_add(struct problems *problems, const char *fmt, ...) _printf_(2, 3);
/* Adds advice about the problem that was just added. Only the first problem keeps its
 * advice. */
void problems_add_remedy(struct problems *problems, const char *fmt, ...) _printf_(2, 3);
/* Sets err to all problems, with this exit status. Returns -EINVAL, or 0 if there are
 * none. */
int problems_to_error(const struct problems *problems, int status, struct error *err);
/* Frees what is in problems and zeroes it. */
void problems_done(struct problems *problems);

#endif
