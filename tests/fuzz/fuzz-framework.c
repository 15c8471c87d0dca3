/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses what bash reports about framework.conf. */
#include "config.h"

#include "builder/conf/framework.h"
#include "tests/fuzz/fuzz-outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome outcome;
	struct command cmd;
	struct settings s;
	struct error err = {0};

	settings_init(&s);
	command_init(&cmd);
	fuzz_outcome(data, size, &outcome);
	if (framework_parse(&cmd, &outcome, &s, &err) < 0)
		MUST(err.what && (err.status == 8 || err.status == 1));
	else if (s.signing.program)
		free(settings_expand_kernelver(s.signing.program, "6.1.0"));
	MUST(*s.trees.dkms && *s.trees.source && *s.trees.install && *s.tmp_location);
	error_done(&err);
	outcome_done(&outcome);
	command_done(&cmd);
	settings_done(&s);
	return 0;
}
