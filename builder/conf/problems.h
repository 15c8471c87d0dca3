/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_PROBLEMS_H
#define BUILDER_CONF_PROBLEMS_H

#include "base/error.h"
#include "base/str.h"

/* What is wrong with a configuration file, all of it, so that its author fixes it in one
 * go: one line per finding, "/usr/src/x-1/dkms.conf: AUTOINSTALL is maybe, not yes or
 * no". */
struct findings {
	const char *subject; /* the files; borrowed */
	size_t n;
	struct str text;
	char *remedy; /* for the first of them, or NULL */
};

/* The lines after these many are left out. */
#define FINDINGS_MAX 16

void findings_add(struct findings *f, const char *fmt, ...) _printf_(2, 3);
/* For the finding just added. */
void findings_remedy(struct findings *f, const char *fmt, ...) _printf_(2, 3);
/* Turns them into err. Returns -EINVAL, or 0 when there are none. */
int findings_error(const struct findings *f, int status, struct error *err);
void findings_done(struct findings *f);

#endif
