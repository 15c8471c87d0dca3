/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the signed text of a remote result. An accepted one is written as the same text. */
#include "config.h"

#include <errno.h>

#include "cache/remote/signed-text.h"
#include "tests/fuzz/fuzz.h"

static void check_pack(const struct signed_pack *p)
{
	uint64_t total = 0;

	MUST(p->n_results <= p->n_files && p->n_files <= SIGNED_FILES_MAX);
	for (size_t i = 0; i < p->n_files; i++) {
		MUST(*p->files[i].name && *p->files[i].name != '/');
		MUST(!strstr(p->files[i].name, "/../") && !has_prefix(p->files[i].name, "../"));
		total += p->files[i].size;
	}
	MUST(total == p->unpacked && total <= SIGNED_UNPACKED_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(str_done) struct str again = {0};
	struct signed_text t;
	int r = signed_text_parse((const char *)data, size, &t);

	MUST(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	MUST(t.slot < SIGNED_SLOTS && t.by && t.title);
	check_pack(&t.record);
	check_pack(&t.pack);
	signed_text_write(&t, &again);
	MUST(again.len == size && memcmp(again.data, data, size) == 0);
	signed_text_done(&t);
	return 0;
}
