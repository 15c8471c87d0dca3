/* SPDX-License-Identifier: GPL-2.0-or-later */
/* version_compare() is a total order of any strings. */
#include "config.h"

#include "builder/host/version.h"
#include "tests/fuzz/fuzz.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *a = fuzz_line(&data, &size);
	_cleanup_free_ char *b = fuzz_line(&data, &size);
	_cleanup_free_ char *c = fuzz_line(&data, &size);
	int ab = sign(version_compare(a, b)), bc = sign(version_compare(b, c));
	int ac = sign(version_compare(a, c));

	MUST(version_compare(a, a) == 0);
	MUST(ab == -sign(version_compare(b, a)));
	if (ab == bc)
		MUST(ac == ab);
	if (ab == 0)
		MUST(ac == bc);
	if (bc == 0)
		MUST(ac == ab);
	return 0;
}
