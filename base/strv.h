/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include "base/util.h"

/* A growing list of strings, which it owns. items may be NULL if n is 0; otherwise
 * items[n] is NULL, so that items can be an argv or an environment. Zero-initialised is
 * empty. */
struct strv {
	char **items;
	size_t n;
};

void strv_push(struct strv *v, const char *s);
void strv_take(struct strv *v, char *s); /* does not copy: v owns s from now on */
void strv_pushf(struct strv *v, const char *fmt, ...) _printf_(2, 3);
void strv_push_all(struct strv *v, const char *const *strings); /* NULL-terminated */
void strv_extend(struct strv *v, const struct strv *other);
void strv_insert(struct strv *v, size_t at, const char *s);
/* For lists of "NAME=VALUE". strv_setenv replaces or appends; value NULL removes. */
void strv_setenv(struct strv *v, const char *name, const char *value);
const char *strv_getenv(const struct strv *v, const char *name); /* v owns it; or NULL */
bool strv_contains(const struct strv *v, const char *s);
void strv_sort(struct strv *v);
/* Returns the index of s in a sorted list, or v->n if s is not in it. */
size_t strv_find_sorted(const struct strv *v, const char *s);
void strv_sort_unique(struct strv *v); /* keeps one of equal strings */
/* Appends the words of s, which are separated by spaces, tabs and newlines. */
void strv_split(struct strv *v, const char *s);
char *strv_join(const struct strv *v, const char *separator); /* caller frees */
void strv_done(struct strv *v);

#endif
