/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>

#include "base/util.h"

/* A growing string. Zero-initialised is empty, with data NULL; otherwise data[len] is
 * NUL, and there may be NULs before it. */
struct str {
	char *data;
	size_t len;
	size_t room; /* bytes allocated */
};

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t n);
void str_addf(struct str *s, const char *fmt, ...) _printf_(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) _printf_(2, 0);
/* text quoted for a POSIX shell, only when it needs to be */
void str_add_quoted(struct str *s, const char *text);
/* Gives the bytes to the caller, who frees; "" when empty. s is empty afterwards. */
char *str_take(struct str *s);
void str_done(struct str *s);

/* Replaces what a terminal would act upon by '?': control characters but line feed and
 * tab. For text of others, which messages quote. */
void text_tame(char *text);

#endif
