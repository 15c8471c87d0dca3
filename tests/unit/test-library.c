/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <math.h>

#include "base/library.h"
#include "tests/unit/tap.h"

#define LIBM_FUNCTIONS(X) X(floor)

static LIBM_FUNCTIONS(LIBRARY_DEFINE)

static void test_loads(void)
{
	static const struct library_symbol symbols[] = {LIBM_FUNCTIONS(LIBRARY_SYMBOL){0}};
	static struct library library = LIBRARY("libm.so.6", "rounding", "libc6", symbols);
	_cleanup_(error_done) struct error err = {0};

	ok(!sym_floor, "the functions of a library are NULL before it is loaded");
	is_int(library_load(&library, &err), 0, "a library is loaded");
	ok(sym_floor && sym_floor(2.5) == 2.0, "its functions can be called");
	is_int(library_load(&library, &err), 0, "it may be loaded again");
}

static void test_missing_function(void)
{
	static void *pointer;
	static const struct library_symbol symbols[] = {{"no_such_function", &pointer}, {0}};
	static struct library library = LIBRARY("libm.so.6", "rounding", "libc6", symbols);
	_cleanup_(error_done) struct error err = {0};

	is_int(library_load(&library, &err), -ENOENT, "a library without the function");
	ok(strstr(err.what, "no_such_function"), "the error names the function");
}

static void test_missing_library(void)
{
	static const struct library_symbol symbols[] = {{0}};
	static struct library library =
		LIBRARY("libno-such.so.7", "reading cards", "libno-such", symbols);
	_cleanup_(error_done) struct error err = {0};

	is_int(library_load(&library, &err), -ENOENT, "a missing library");
	is_int(err.status, 1, "the exit status is 1");
	ok(strstr(err.what, "reading cards needs the library libno-such.so.7"),
		"the error names the feature that needs it");
	is(err.remedy, "install libno-such", "the remedy names the package");
	is_int(library_load(&library, NULL), -ENOENT, "a second attempt fails as well");
}

int main(void)
{
	test_loads();
	test_missing_function();
	test_missing_library();
	return done_testing();
}
