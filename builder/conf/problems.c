/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several things wrong with one file become one error. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>

#include "builder/conf/problems.h"

void findings_add(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	if (f->n++ >= FINDINGS_MAX)
		return;
	str_addf(&f->text, "%s%s: ", f->n > 1 ? "\n" : "", f->subject);
	va_start(ap, fmt);
	str_vaddf(&f->text, fmt, ap);
	va_end(ap);
}

void findings_remedy(struct findings *f, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	if (f->n != 1 || f->remedy)
		return;
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	f->remedy = str_take(&s);
}

int findings_error(const struct findings *f, int status, struct error *err)
{
	if (f->n == 0)
		return 0;
	if (f->n > FINDINGS_MAX)
		error_set(err, -EINVAL, status, "%s\nand %zu more", f->text.data,
			f->n - FINDINGS_MAX);
	else
		error_set(err, -EINVAL, status, "%s", f->text.data);
	if (f->remedy)
		error_remedy(err, "%s", f->remedy);
	return -EINVAL;
}

void findings_done(struct findings *f)
{
	str_done(&f->text);
	free(f->remedy);
	*f = (struct findings){0};
}
