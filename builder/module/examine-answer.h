/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_MODULE_EXAMINE_ANSWER_H
#define BUILDER_MODULE_EXAMINE_ANSWER_H

#include "base/error.h"
#include "base/str.h"
#include "base/strv.h"

/* What the process that looks at module files (builder/module/examine.h) answers. That
 * process may do what a hostile module file wants, so its answer is read strictly.
 *
 * Format: records, each ended by a NUL.
 *	wTEXT    a warning
 *	rN       the result: 0 or 1
 *	eN TEXT  or an error: a positive errno, and what is wrong
 *	hTEXT    the remedy of the error
 *	.        the end; nothing follows
 * Warnings come first, in any number up to ANSWER_WARNINGS_MAX, and then either the
 * result or the error. A text is not empty, and has no control characters and at most
 * ANSWER_TEXT_MAX bytes. */

#define ANSWER_TEXT_MAX 16384
#define ANSWER_WARNINGS_MAX 1000
#define ANSWER_MAX (ANSWER_WARNINGS_MAX * 1024) /* bytes of the whole answer */

/* Writes an answer. r is the result, or a negative errno that err describes. What the
 * format does not permit in a text becomes "?". */
void answer_write(
	const struct strv *warnings, int r, const struct error *err, struct str *ret);

/* Reads an answer of n bytes. Returns its result, 0 or 1, and appends its warnings to
 * *ret_warnings; or the negative errno of its error, with the error in *err; or -EPROTO
 * for bytes that are not an answer, and then the rest is unchanged. */
int answer_parse(
	const char *bytes, size_t n, struct strv *ret_warnings, struct error *err);

#endif
