/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/util.h"

/* An error with its text. A function that can fail returns a negative errno and fills the
 * struct error that its caller gave it, which may be NULL. The function that knows the
 * cause fills it, so that each error is described once; only cli/ prints it.
 * Zero-initialised means that there is no error. */
struct error {
	/* The exit status that the dkms contract has for this cause (1, 2, ... 101); 0 if
	 * there is no error. Callers of dkms rely on these numbers, and several causes
	 * share one, so the function that fills the error chooses it. */
	int status;
	char *what;   /* one or more lines that say what is wrong and name the file */
	char *remedy; /* a command or advice that helps; NULL if there is none */
};

/* Fills e if it is not NULL and has no error yet. Returns code unchanged:
 *	return error_set(err, -ENOENT, 21, "no kernel headers for %s", release); */
int error_set(struct error *e, int code, int status, const char *fmt, ...)
	_printf_(4, 5);
/* Does the same, and appends ": " and the system's text for errno code. */
int error_errno(struct error *e, int code, int status, const char *fmt, ...)
	_printf_(4, 5);
/* Sets the remedy of e, if e is not NULL and has none yet. */
void error_remedy(struct error *e, const char *fmt, ...) _printf_(2, 3);
/* Moves the error in from to to, unless to is NULL or has an error already. Frees from in
 * all cases and leaves it empty. */
void error_move(struct error *to, struct error *from);
void error_done(struct error *e);

#endif
