/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdio.h>

#include "base/error.h"

/* Prints text with every line after the first indented. */
void print_indented(FILE *out, const char *text);
/* "dkms: what", the following lines indented, and the remedy. */
void print_error(const struct error *err);
void print_warning(const char *fmt, ...) _printf_(1, 2);

/* "0.3 s", "7.4 s", "1 min 52 s", "2 h 14 min"; caller frees. */
char *format_seconds(double seconds);
/* "640 B", "1.1 GiB"; caller frees. */
char *format_bytes(uint64_t bytes);

#endif
