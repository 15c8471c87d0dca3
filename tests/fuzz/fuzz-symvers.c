/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a Module.symvers with the symbols of the module in FUZZ_MODULE. */
#include "config.h"

#include "builder/module/modfile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *module = getenv("FUZZ_MODULE");
	struct strv paths = {0}, symvers = {0}, warnings = {0};
	struct error err = {0};

	MUST(module);
	strv_push(&paths, module);
	strv_push(&symvers, fuzz_file(data, size));
	MUST(modfile_check_for_kernel(&paths, "release", &symvers, &warnings, &err) == 0);
	/* One warning for unknown symbols, and one for symbols with another CRC. */
	MUST(warnings.n <= 2);
	strv_done(&paths);
	strv_done(&symvers);
	strv_done(&warnings);
	error_done(&err);
	return 0;
}
