/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a module file with libkmod, checks it for a kernel, and compares it with the module in
 * FUZZ_MODULE. The first byte of the input says how its name ends, the rest is the file.
 *
 * libkmod has assertions that a module file can reach. That is why dkms reads such files in a
 * process of its own, and it is no failure here: the target leaves libkmod by siglongjmp(3). */
#include "config.h"

#include <errno.h>
#include <linux/close_range.h>
#include <sanitizer/lsan_interface.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "builder/module/modfile.h"
#include "tests/fuzz/fuzz.h"

static sigjmp_buf outside;
static volatile sig_atomic_t is_inside;

static void on_abort(int number)
{
	if (is_inside)
		siglongjmp(outside, 1);
	signal(number, SIG_DFL);
	raise(number);
}

/* Unmaps the files that libkmod has left mapped: those in memory. */
static void unmap_files(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	char line[512];

	MUST(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/memfd:") && sscanf(line, "%lx-%lx", &begin, &end) == 2)
			munmap((void *)begin, end - begin);
	fclose(maps);
}

/* Returns whether libkmod has come to its end. Otherwise it has met an assertion. */
static bool look(const struct modfile_input *in)
{
	char *module = getenv("FUZZ_MODULE");
	struct modfile_input old = {module, (char *)"old.ko"};
	struct strv warnings = {0};
	struct error err = {0};
	int first_fd = dup(0), r;

	close(first_fd);
	is_inside = 1;
	if (sigsetjmp(outside, 1)) {
		is_inside = 0;
		close_range((unsigned int)first_fd, ~0U, 0);
		unmap_files();
		return false;
	}
	r = modfile_check_opened(in, 1, NULL, 0, "release", &warnings, &err);
	is_inside = 0;
	MUST(r <= 0 && (r < 0) == (err.what != NULL));
	/* The release, unknown symbols, and symbols with another CRC. */
	MUST(warnings.n <= 3 && (r == 0 || !warnings.n));
	strv_done(&warnings);
	error_done(&err);
	is_inside = 1;
	r = modfile_should_replace_opened(in, &old, &err);
	is_inside = 0;
	MUST(r <= 1 && (r < 0) == (err.what != NULL));
	error_done(&err);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"m.ko", "m.ko.gz", "m.ko.xz", "m.ko.zst"};
	struct modfile_input in;
	bool ended;

	if (!size)
		return 0;
	in = (struct modfile_input){(char *)fuzz_file(data + 1, size - 1),
		(char *)names[*data % ARRAY_SIZE(names)]};
	signal(SIGABRT, on_abort);
	/* After an assertion, memory is lost that is none of ours. */
	__lsan_disable();
	ended = look(&in);
	__lsan_enable();
	if (ended)
		MUST(look(&in));
	return 0;
}
