/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_PROBLEMS_H
#define BUILDER_CONF_PROBLEMS_H

#include "base/error.h"
#include "base/str.h"

/* What is wrong with a configuration file, all of it, so that its author fixes it in one
 * go: one line per problem, "/usr/src/x-1/dkms.conf: AUTOINSTALL is maybe, not yes or
 * no". */
struct problems {
	const char *subject; /* the files; borrowed */
	size_t n;
	struct str text;
	char *remedy; /* for the first of them, or NULL */
};

/* The lines after these many are left out. */
#define PROBLEMS_MAX 16

void problems_add(struct problems *problems, const char *fmt, ...) _printf_(2, 3);
/* For the problem just added. */
void problems_add_remedy(struct problems *problems, const char *fmt, ...) _printf_(2, 3);
/* Turns them into err. Returns -EINVAL, or 0 when there are none. */
int problems_to_error(const struct problems *problems, int status, struct error *err);
void problems_done(struct problems *problems);

#endif
