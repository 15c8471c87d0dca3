/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses an ActionResult. What was understood of an accepted one is the same after it was written
 * and parsed again. */
#include "config.h"

#include <errno.h>

#include "cache/remote/action-result.h"
#include "tests/fuzz/fuzz.h"

static void check_same(const struct str *a, const struct str *b)
{
	MUST(a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(str_done) struct str text = {0};
	struct action_result a, again;
	int r = action_result_parse(data, size, &a);

	MUST(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	action_result_write(&a, &text);
	MUST(action_result_parse(text.data ? text.data : "", text.len, &again) == 0);
	MUST(again.n_files == a.n_files);
	check_same(&a.out, &again.out);
	for (size_t i = 0; i < a.n_files; i++) {
		MUST(streq(a.files[i].path, again.files[i].path));
		MUST(a.files[i].size == again.files[i].size);
		MUST(digest_equal(&a.files[i].digest, &again.files[i].digest));
		MUST(action_result_file(&a, a.files[i].path));
		check_same(&a.files[i].contents, &again.files[i].contents);
	}
	action_result_done(&a);
	action_result_done(&again);
	return 0;
}
