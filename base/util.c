/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation that does not return on failure, and small string functions. */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>

#include "base/util.h"

static void *checked(void *p)
{
	if (!p) {
		fputs("dkms: out of memory\n", stderr);
		abort();
	}
	return p;
}

bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && streq(s + n - m, suffix);
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return checked(NULL);
	return checked(realloc(p, n && size ? n * size : 1));
}

char *xstrdup(const char *s)
{
	return s ? checked(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

void str_replace(char **p, const char *s)
{
	char *copy = xstrdup(s);

	free(*p);
	*p = copy;
}
