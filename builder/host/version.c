/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of versions: of modules, to find the newest, and of kernels, for bounds. */
#include "config.h"

#include "base/util.h"
#include "builder/host/version.h"

/* In ASCII, whatever the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Compares the runs of digits at *a and *b and moves both behind them. The longer run is
 * the larger number once leading zeros are gone, so nothing is ever converted. */
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

/* Where a byte sorts: tilde, end, then as in ASCII. Digits are neighbours there, so a
 * number sorts between '/' and ':' whatever its first digit: the order is total. */
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
