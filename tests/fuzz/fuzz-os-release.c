/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses an os-release file. Its first line is also used as a kernel release. */
#include "config.h"

#include "builder/host/distro.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *release = fuzz_line(&data, &size);
	_cleanup_free_ char *command = NULL;
	enum distro distro;
	struct error err = {0};

	if (distro_read(fuzz_file(data, size), &distro, &err) == 0) {
		command = distro_headers_command(distro, release);
		MUST(!command || strlen(command) > 5);
		distro_module_dir(distro);
	} else {
		MUST(err.status == 4);
	}
	error_done(&err);
	return 0;
}
