/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>

#include "base/util.h"

/* A growing string. Zero-initialised is empty and has data NULL; otherwise data[len] is
 * NUL. The string may contain further NULs. */
struct str {
	char *data;
	size_t len;
	size_t room; /* bytes that are allocated */
};

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t n);
void str_addf(struct str *s, const char *fmt, ...) _printf_(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) _printf_(2, 0);
/* Appends text, quoted for a POSIX shell if it needs quotes. */
void str_add_quoted(struct str *s, const char *text);
/* Returns the string and empties s. The caller frees it. It is "" if s was empty. */
char *str_take(struct str *s);
void str_done(struct str *s);

/* What a terminal may take for a command to itself is a control character here: below U+0020,
 * U+007F to U+009F, and bytes that are no UTF-8; and so is what lets other characters look like
 * something else, such as U+202E, which turns a line around. */

/* Returns whether text has a control character. */
bool text_has_control(const char *text);
/* Replaces control characters, except line feed and tab, with '?', so that text from
 * elsewhere can be printed to a terminal. */
void text_mask_controls(char *text);
/* Returns a copy of text with "\x1b" for a control character. The caller frees it. */
char *text_escape_controls(const char *text);
/* Returns whether text means itself in a command line: it has no blank, no control character
 * and nothing that a shell interprets. */
bool text_is_plain(const char *text);
/* Returns whether text can be a part of a path, of a status line and of a command line: it is
 * plain, is not empty, has no slash, and does not begin with '.' or '~'. Completion and
 * messages offer commands that have such names. */
bool text_is_name(const char *text);
/* Return whether text contains, or ends in, one of n words. */
bool text_has_any(const char *text, const char *const *words, size_t n);
bool text_has_suffix_of(const char *text, const char *const *suffixes, size_t n);
/* Cuts text that has more than max bytes, between two characters of UTF-8, and lets it end
 * in "...". */
void text_shorten(char *text, size_t max);
/* Returns the FNV-1a hash of n bytes: draft-eastlake-fnv. */
uint64_t text_hash(const char *text, size_t n);
/* Reads a decimal number of at most 18 digits, without a sign, at *at and moves *at behind it. */
bool text_take_number(const char **at, uint64_t *ret);

#endif
