/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include "base/util.h"

/* A growing list of owned strings. items is NULL while n is 0; otherwise items[n] is
 * NULL, so that it serves as argv or environment. Zero-initialised is empty. */
struct strv {
	char **items;
	size_t n;
};

void strv_push(struct strv *v, const char *s);
void strv_take(struct strv *v, char *s); /* takes ownership of s */
void strv_pushf(struct strv *v, const char *fmt, ...) _printf_(2, 3);
void strv_push_all(struct strv *v, const char *const *strings); /* NULL-terminated */
void strv_extend(struct strv *v, const struct strv *other);
void strv_insert(struct strv *v, size_t at, const char *s);
/* Environment lists ("NAME=VALUE"): set replaces or appends; a NULL value removes. */
void strv_setenv(struct strv *v, const char *name, const char *value);
const char *strv_getenv(const struct strv *v, const char *name); /* borrowed or NULL */
bool strv_contains(const struct strv *v, const char *s);
void strv_sort(struct strv *v);
/* Returns the number of s in a sorted list, v->n when it is not there. */
size_t strv_find_sorted(const struct strv *v, const char *s);
void strv_sort_unique(struct strv *v); /* and takes out what is there twice */
/* The words of s between blanks (space, tab, newline), appended to v. */
void strv_split(struct strv *v, const char *s);
char *strv_join(const struct strv *v, const char *separator); /* caller frees */
void strv_done(struct strv *v);

#endif
