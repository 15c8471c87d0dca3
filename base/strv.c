/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing lists of strings, such as argv and environments. */
#include "config.h"

#include <stdarg.h>

#include "base/str.h"
#include "base/strv.h"

void strv_take(struct strv *v, char *s)
{
	/* The array grows in powers of two, with space for the NULL at its end. */
	if ((v->n & (v->n + 1)) == 0)
		v->items = xrealloc_array(v->items, 2 * (v->n + 1), sizeof(*v->items));
	v->items[v->n++] = s;
	v->items[v->n] = NULL;
}

void strv_push(struct strv *v, const char *s)
{
	strv_take(v, xstrdup(s));
}

void strv_pushf(struct strv *v, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	strv_take(v, str_take(&s));
}

void strv_push_all(struct strv *v, const char *const *strings)
{
	for (; *strings; strings++)
		strv_push(v, *strings);
}

void strv_extend(struct strv *v, const struct strv *other)
{
	for (size_t i = 0; i < other->n; i++)
		strv_push(v, other->items[i]);
}

void strv_insert(struct strv *v, size_t at, const char *s)
{
	strv_push(v, s);
	for (size_t i = v->n - 1; i > at; i--) {
		char *swapped = v->items[i];

		v->items[i] = v->items[i - 1];
		v->items[i - 1] = swapped;
	}
}

static size_t env_find(const struct strv *v, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < v->n; i++)
		if (strncmp(v->items[i], name, len) == 0 && v->items[i][len] == '=')
			return i;
	return v->n;
}

void strv_setenv(struct strv *v, const char *name, const char *value)
{
	size_t i = env_find(v, name);

	if (value) {
		char *entry = xasprintf("%s=%s", name, value);

		if (i == v->n) {
			strv_take(v, entry);
		} else {
			free(v->items[i]);
			v->items[i] = entry;
		}
	} else if (i < v->n) {
		free(v->items[i]);
		memmove(v->items + i, v->items + i + 1, (v->n - i) * sizeof(*v->items));
		v->n--;
	}
}

const char *strv_getenv(const struct strv *v, const char *name)
{
	size_t i = env_find(v, name);

	return i < v->n ? v->items[i] + strlen(name) + 1 : NULL;
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (streq(v->items[i], s))
			return true;
	return false;
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->n > 1)
		qsort(v->items, v->n, sizeof(*v->items), compare_items);
}

size_t strv_find_sorted(const struct strv *v, const char *s)
{
	char **found =
		v->n ? bsearch(&s, v->items, v->n, sizeof(*v->items), compare_items)
		     : NULL;

	return found ? (size_t)(found - v->items) : v->n;
}

void strv_sort_unique(struct strv *v)
{
	size_t n = 0;

	strv_sort(v);
	for (size_t i = 0; i < v->n; i++) {
		if (n && streq(v->items[i], v->items[n - 1]))
			free(v->items[i]);
		else
			v->items[n++] = v->items[i];
	}
	v->n = n;
	if (v->items)
		v->items[n] = NULL;
}

void strv_split(struct strv *v, const char *s)
{
	static const char blanks[] = " \t\n";

	for (;;) {
		size_t len;

		s += strspn(s, blanks);
		len = strcspn(s, blanks);
		if (len == 0)
			return;
		strv_take(v, xstrndup(s, len));
		s += len;
	}
}

char *strv_join(const struct strv *v, const char *separator)
{
	struct str s = {0};

	for (size_t i = 0; i < v->n; i++)
		str_addf(&s, "%s%s", i ? separator : "", v->items[i]);
	return str_take(&s);
}

void strv_done(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){0};
}
