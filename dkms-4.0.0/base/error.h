/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/util.h"

/* What went wrong, told once, where it is known. A function that can fail returns a
 * negative errno and fills the struct error it was given (which may be NULL); only cli/
 * prints it. Zero-initialised means no error. */
struct error {
	/* The exit status of the dkms contract for this cause (1, 2, ... 101); 0 while
	 * there is no error. Several causes share a number and callers of dkms rely on
	 * the numbers, so the place that knows the cause names it. */
	int status;
	char *what;   /* one line or several: the thing that is wrong, naming the file */
	char *remedy; /* a command or advice that helps; NULL when there is none */
};

/* Fills e if it is not NULL and still empty, and returns code unchanged:
 *	return error_set(err, -ENOENT, 21, "no kernel headers for %s", release); */
int error_set(struct error *e, int code, int status, const char *fmt, ...)
	_printf_(4, 5);
/* The same; the text is followed by ": " and what errno code says. */
int error_errno(struct error *e, int code, int status, const char *fmt, ...)
	_printf_(4, 5);
void error_remedy(struct error *e, const char *fmt, ...) _printf_(2, 3);
/* Moves from into to, unless to has an error already; from is empty afterwards. */
void error_move(struct error *to, struct error *from);
void error_done(struct error *e);

#endif
