/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

/* Calls f(&variable) when the variable goes out of scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(free_ptr)
#define _cleanup_close_ _cleanup_(close_ptr)

/* Moves a pointer: returns its value and sets the variable to NULL. */
#define TAKE_PTR(p)                                                                      \
	({                                                                               \
		__typeof__(p) take_ptr_ = (p);                                           \
		(p) = NULL;                                                              \
		take_ptr_;                                                               \
	})

/* Does the same for a file descriptor, which is set to -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_ptr(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Files can have times that are too far away for a number of nanoseconds. These become the
 * first or the last one that is not. */
static inline int64_t timespec_ns(const struct timespec *t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t->tv_sec, INT64_C(1000000000), &ns) ||
		__builtin_add_overflow(ns, (int64_t)t->tv_nsec, &ns))
		return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* NULL counts as the empty string. */
static inline bool is_empty(const char *s)
{
	return !s || !*s;
}

bool has_prefix(const char *s, const char *prefix);
bool has_suffix(const char *s, const char *suffix);

/* Allocate memory that free() frees. They abort the program if there is no memory. A NULL
 * string is duplicated as NULL. xrealloc_array checks n * size for overflow. */
void *xcalloc(size_t n, size_t size);
void *xrealloc_array(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) _printf_(1, 2) _must_check_;

/* Replaces the string at *p with a copy of s and frees the old string. */
void str_replace(char **p, const char *s);

#endif
