/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dkms.conf, read without running it. */
#include "config.h"

#include "builder/conf/quick-read.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_text t;

	conf_text_read(fuzz_file(data, size), &t);
	MUST(t.plain || t.names.n == 0);
	for (size_t i = 0; i < t.names.n; i++)
		MUST(*t.names.items[i]);
	conf_text_done(&t);
	return 0;
}
