/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

/* The Test Anything Protocol for tests in C. The main() of a test calls ok() and is() and
 * ends with return done_testing(). */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3))) static inline bool ok(
	bool pass, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failed += !pass;
	return pass;
}

/* Compares two strings. NULL equals only NULL. */
static inline bool is(const char *got, const char *want, const char *what)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;

	if (!ok(same, "%s", what))
		printf("# got:  %s\n# want: %s\n", got ? got : "(null)",
			want ? want : "(null)");
	return same;
}

static inline bool is_int(long got, long want, const char *what)
{
	if (!ok(got == want, "%s", what)) {
		printf("# got:  %ld\n# want: %ld\n", got, want);
		return false;
	}
	return true;
}

static inline int done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
