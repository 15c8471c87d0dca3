/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects all problems of one file into one error. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>

#include "builder/conf/problems.h"

void problems_add(struct problems *problems, const char *fmt, ...)
{
	va_list ap;

	if (problems->n++ >= PROBLEMS_MAX)
		return;
	str_addf(&problems->text, "%s%s: ", problems->n > 1 ? "\n" : "",
		problems->subject);
	va_start(ap, fmt);
	str_vaddf(&problems->text, fmt, ap);
	va_end(ap);
}

void problems_add_remedy(struct problems *problems, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	if (problems->n != 1 || problems->remedy)
		return;
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	problems->remedy = str_take(&s);
}

int problems_to_error(const struct problems *problems, int status, struct error *err)
{
	if (problems->n == 0)
		return 0;
	if (problems->n > PROBLEMS_MAX)
		error_set(err, -EINVAL, status, "%s\nand %zu more", problems->text.data,
			problems->n - PROBLEMS_MAX);
	else
		error_set(err, -EINVAL, status, "%s", problems->text.data);
	if (problems->remedy)
		error_remedy(err, "%s", problems->remedy);
	return -EINVAL;
}

void problems_done(struct problems *problems)
{
	str_done(&problems->text);
	free(problems->remedy);
	*problems = (struct problems){0};
}
