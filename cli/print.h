/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdio.h>

#include "base/error.h"

/* These print control characters as '?': names and texts in a message may come from a package. */

/* Prints the formatted text. */
void print_masked(FILE *out, const char *fmt, ...) _printf_(2, 3);
/* Prints text and a newline; every line after the first is indented. */
void print_indented(FILE *out, const char *text);
/* Prints "dkms: WHAT" to standard error, and the remedy, if there is one, on the next line. */
void print_error(const struct error *err);
/* Prints "dkms: warning: " and the formatted text to standard error, as one line. */
void print_warning(const char *fmt, ...) _printf_(1, 2);

/* Formats a duration: "0.3 s", "7.4 s", "1 min 52 s", "2 h 14 min". The caller frees. */
char *format_seconds(double seconds);
/* Formats a size: "640 B", "1.1 GiB". The caller frees. */
char *format_bytes(uint64_t bytes);
/* Formats how long ago a time was, in seconds since 1970: "2 h ago", "3 days ago". The caller
 * frees. */
char *format_age(int64_t seconds);
/* Formats a time in seconds since 1970 as a local time: "2026-11-29 09:14". The caller frees. */
char *format_minute(int64_t seconds);
/* Formats a time in seconds since 1970 as a local date: "2026-11-29". The caller frees. */
char *format_day(int64_t seconds);

#endif
