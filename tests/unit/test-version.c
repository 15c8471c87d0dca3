/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "builder/host/version.h"
#include "tests/unit/tap.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Each line is in order. All pairs of a line are compared both ways. */
static const char *const orders[][12] = {
	{"6.9", "6.10", "6.100", "6.1000"},
	{"3.4", "3.5", "3.5-rc2", "3.5.0", "3.5.1"},
	{"6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-10-cloud-amd64", "6.1.10-1-amd64"},
	{"4.19.0-6-amd64", "5.10.0-9-amd64", "6.12.117+deb12-amd64"},
	{"1.2.3~rc1", "1.2.3", "1.2.3-1", "1.2.3.1", "1.2.3rc1", "1.2.4"},
	{"0~20220829+git", "0~20230101", "0", "0.0~git1", "0.0", "0.1", "1"},
	{"", "0", "a"},
	{"~", "", "+"},
	{"18446744073709551615", "18446744073709551616", "99999999999999999999999999",
		"100000000000000000000000000"},
	{"1..1", "1.1", "1.a", "1.b"},
	{"2.6.9-1cvs200409091247", "2.6.10-1cvs200409091246", "2.6.10-1cvs200409091247"},
	{"1.0-A", "1.0-a", "1.0-\xc3\xa9"},
	{"1.07", "1.8", "1.010"},
};

static void test_orders(void)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		for (size_t a = 0; a < 12 && orders[i][a]; a++)
			for (size_t b = 0; b < 12 && orders[i][b]; b++) {
				const char *va = orders[i][a], *vb = orders[i][b];

				ok(sign(version_compare(va, vb)) == (a > b) - (a < b),
					"\"%s\" %c \"%s\"", va,
					a < b    ? '<'
					: a == b ? '='
						 : '>',
					vb);
			}
}

static void test_equal(void)
{
	ok(version_compare("6.9", "6.10") < 0, "compat 4: 6.9 < 6.10");
	ok(version_compare("3.5-rc2", "3.5") >= 0, "compat 4: 3.5-rc2 fits MIN 3.5");
	ok(version_compare("1.02", "1.2") == 0, "leading zeros do not count");
	ok(version_compare("1.000", "1.0") == 0, "0 and 000 are equal");
	ok(version_compare("007", "7-1") < 0, "text after leading zeros matters");
}

int main(void)
{
	test_orders();
	test_equal();
	return done_testing();
}
