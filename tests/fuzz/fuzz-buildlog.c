/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extracts the cause of a failure from a make.log. */
#include "config.h"

#include "base/file.h"
#include "builder/build/buildlog.h"
#include "tests/fuzz/fuzz.h"

/* What dkms log shows of the same text. */
static void summarize(const char *path)
{
	_cleanup_(str_done) struct str log = {0};
	_cleanup_(strv_done) struct strv places = {0};
	struct buildlog_summary s;

	if (file_read(path, SIZE_MAX, &log, NULL) < 0)
		return;
	buildlog_read_places(log.data, &places);
	MUST(places.n % 2 == 0);
	buildlog_summarize(log.data, "/b", &s);
	MUST(s.error_line <= s.lines + 1);
	MUST(s.exit_status >= -1 && s.exit_status <= 255);
	buildlog_summary_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	_cleanup_free_ char *why = buildlog_explain_failure(path, "/b");

	summarize(path);
	if (!why)
		return 0;
	MUST(*why);
	/* The reported line, the mark of a gap, and the last lines. */
	for (const char *c = why, *lines = c; c; lines = c)
		c = strchr(lines, '\n') ? strchr(lines, '\n') + 1 : NULL;
	MUST(strlen(why) <= size + strlen("...\n\n"));
	return 0;
}
