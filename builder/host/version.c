/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of two versions is newer? */
#include "config.h"

#include "base/util.h"
#include "builder/host/version.h"

/* Like isdigit(), but independent of the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compares the runs of digits at *a and *b as numbers and advances both pointers past
 * them. Does not convert the numbers: without leading zeros, the longer run is the
 * larger. */
static int compare_numbers(const char **a, const char **b)
{
	size_t na = 0, nb = 0;
	int r;

	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	while (is_digit((*a)[na]))
		na++;
	while (is_digit((*b)[nb]))
		nb++;
	r = na == nb ? memcmp(*a, *b, na) : (na > nb) - (na < nb);
	*a += na;
	*b += nb;
	return r;
}

/* Returns the position of a byte in the order: tilde, then the end (NUL), then all others
 * as in ASCII. The digits follow each other in ASCII, so each number sorts between '/'
 * and ':' whatever its first digit is. This makes the order total. */
static int rank(char c)
{
	return c == '~' ? -1 : (unsigned char)c;
}

int version_compare(const char *a, const char *b)
{
	while (*a || *b) {
		int r;

		if (is_digit(*a) && is_digit(*b)) {
			r = compare_numbers(&a, &b);
			if (r)
				return r;
			continue;
		}
		r = rank(*a) - rank(*b);
		if (r)
			return r;
		a++;
		b++;
	}
	return 0;
}
