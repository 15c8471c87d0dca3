/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_CONF_PLAIN_H
#define BUILDER_CONF_PLAIN_H

#include "builder/conf/evaluate.h"

/* Reads configuration files that are plain lists of assignments, as most are, with the
 * result that evaluate.bash would have. This takes no process. What is plain:
 *
 * - Each line is empty, a comment, or one assignment, NAME=VALUE or NAME[3]=VALUE, perhaps
 *   with a comment. The names are directives, or cannot be variables of bash itself.
 * - A value consists of letters, digits, a few other characters, and strings in single or
 *   double quotes, which may span lines. Nothing in it is expanded but $NAME and ${NAME}, of
 *   variables that the file has set before or that dkms gives it.
 * - A regular expression has no counts, no references, no "*", "+" or "?" after a group or
 *   another one of these, and at most 256 characters.
 * - No value gets longer than 16 KiB by what is expanded in it.
 *
 * Such a text sees nothing but its own variables. All others are left to bash. */

/* A variable that dkms gives to the files. */
struct plain_variable {
	const char *name, *value;
};

struct plain_request {
	const char *const *names; /* of the directives to report; NULL-terminated */
	const struct plain_variable *given;
	size_t n_given;
	const char *release, *arch; /* that regular expressions are compared with */
};

/* Files with more bytes, or more assignments, are left to bash. */
#define PLAIN_BYTES_MAX (64 * 1024)
#define PLAIN_ASSIGNMENTS_MAX 1000

/* Reads the texts of files one after the other. Returns true and the variables, without
 * the names of files; evaluation_done() frees. Returns false if a text is not plain. */
bool plain_evaluate(const struct plain_request *request, const struct strv *texts,
	struct evaluation *ret);

#endif
