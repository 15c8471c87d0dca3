/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses a manifest of the cache. An accepted one is written as the same text. */
#include "config.h"

#include <errno.h>

#include "cache/manifest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(str_done) struct str first = {0}, second = {0};
	struct manifest m, again;
	int r = manifest_parse((const char *)data, size, &m);

	MUST(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	for (size_t i = 0; i < m.n; i++)
		MUST(manifest_find(&m, m.items[i].kind, m.items[i].path));
	MUST(manifest_write(&m, &first) == 0);
	MUST(manifest_parse(first.data, first.len, &again) == 0);
	MUST(manifest_write(&again, &second) == 0);
	MUST(streq(first.data, second.data));
	manifest_done(&m);
	manifest_done(&again);
	return 0;
}
