/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses an entry of the cache: once as it is, and once with a correct last line, since a
 * wrong last line is rejected before the rest is read. */
#include "config.h"

#include <errno.h>

#include "cache/entry.h"
#include "tests/fuzz/fuzz.h"

static void seal(struct str *text)
{
	char hex[DIGEST_HEX];
	struct digest digest;

	digest_bytes(text->data, text->len, &digest);
	digest_hex(&digest, hex);
	str_addf(text, "end %s\n", hex);
}

/* An accepted entry can be written and read again, and stays the same. */
static void check(const struct str *text)
{
	_cleanup_(str_done) struct str first = {0}, second = {0};
	struct entry e, again;
	int r = entry_parse(text, &e);

	MUST(r == 0 || r == -EBADMSG);
	if (r < 0)
		return;
	MUST(e.title && !strchr(e.title, '\n'));
	for (size_t i = 0; i < e.n_files; i++)
		MUST(entry_file(&e, e.files[i].name));
	entry_write(&e, &first);
	MUST(entry_parse(&first, &again) == 0);
	entry_write(&again, &second);
	MUST(streq(first.data, second.data));
	entry_done(&e);
	entry_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(str_done) struct str text = {0};

	str_add_bytes(&text, (const char *)data, size);
	str_add_bytes(&text, "", 0);
	check(&text);
	seal(&text);
	check(&text);
	return 0;
}
