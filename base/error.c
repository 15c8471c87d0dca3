/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors with their text. Only the first one that is set counts. */
#include "config.h"

#include <stdarg.h>

#include "base/error.h"
#include "base/str.h"

static void fill(struct error *e, int code, int status, bool with_errno, const char *fmt,
	va_list ap)
{
	struct str s = {0};

	if (!e || e->status)
		return;
	str_vaddf(&s, fmt, ap);
	if (with_errno)
		str_addf(&s, ": %s", strerror(-code));
	e->what = str_take(&s);
	text_mask_controls(e->what);
	e->status = status;
}

int error_set(struct error *e, int code, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, status, false, fmt, ap);
	va_end(ap);
	return code;
}

int error_errno(struct error *e, int code, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, status, true, fmt, ap);
	va_end(ap);
	return code;
}

void error_remedy(struct error *e, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	if (!e || e->remedy)
		return;
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	e->remedy = str_take(&s);
	text_mask_controls(e->remedy);
}

void error_move(struct error *to, struct error *from)
{
	if (to && !to->status) {
		error_done(to);
		*to = *from;
		*from = (struct error){0};
	}
	error_done(from);
}

void error_done(struct error *e)
{
	free(e->what);
	free(e->remedy);
	*e = (struct error){0};
}
