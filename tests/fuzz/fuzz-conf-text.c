/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a dkms.conf without running it. */
#include "config.h"

#include "builder/conf/quick-read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quick_conf t;

	quick_conf_read(fuzz_file(data, size), &t);
	MUST(t.names_known || t.module_names.n == 0);
	for (size_t i = 0; i < t.module_names.n; i++)
		MUST(*t.module_names.items[i]);
	quick_conf_done(&t);
	return 0;
}
