/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <fcntl.h>

#include "base/file.h"
#include "builder/build/buildlog.h"
#include "tests/unit/tap.h"

static char path[] = "/tmp/dkms-test-XXXXXX";

/* Checks the explanation that a log with this body gives. */
static void explains(const char *body, const char *want, const char *what)
{
	struct outcome outcome = {.exit_status = 2, .elapsed_s = 1.25};
	struct command cmd;
	char *got;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	command_init(&cmd);
	buildlog_begin(fd, "evdi", "1.12.0", "4.19.0-6-amd64", "x86_64");
	buildlog_add_command(fd, "make -C /headers");
	if (write(fd, body, strlen(body)) < 0)
		perror(path);
	buildlog_add_result(fd, &outcome, &cmd);
	close(fd);
	got = buildlog_explain_failure(path, "/dkms/evdi/1.12.0/build");
	is(got, want, what);
	free(got);
}

static void test_format(void)
{
	struct str log = {0};

	explains("", NULL, "a log without output explains nothing");
	file_read(path, 65536, &log, NULL);
	ok(strstr(log.data, "evdi/1.12.0, kernel 4.19.0-6-amd64 (x86_64)\n"),
		"a log names module, kernel and architecture");
	ok(strstr(log.data, "# command: make -C /headers\n"), "a log names the command");
	ok(strstr(log.data, "# exit code: 2\n# elapsed time: 1."),
		"a log has the exit code and the time");
	str_done(&log);
}

/* A build can write lines without end. A message shows the beginning of each, in whole
 * characters. */
static void test_long_lines(void)
{
	static const char umlaut[] = "\xc3\xa4";
	struct str body = {0}, want = {0};

	str_add(&body, "error: ");
	for (size_t i = 0; i < 1000000; i++)
		str_add(&body, umlaut);
	str_add(&want, "error: ");
	for (size_t i = 0; i < 495; i++)
		str_add(&want, umlaut);
	str_add(&want, "...");
	explains(body.data, want.data, "an endless line is cut");
	str_done(&want);
	body.len = 0;
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 1000 + i; j++)
			str_add(&body, "x");
		for (size_t j = 0; j < (i ? 997 : 1000); j++)
			str_add(&want, "x");
		str_add(&want, i ? "..." : "");
		str_add(&body, "\n");
		str_add(&want, i < 2 ? "\n" : "");
	}
	explains(body.data, want.data, "so are the last lines, beginning with 1001 bytes");
	str_done(&body);
	str_done(&want);
}

/* A build can write lines that look like those of dkms. */
static void test_forged_lines(void)
{
	static const char text[] = "# elapsed time: 2.5 s\n# elapsed time: 1e300 s\n"
				   "# elapsed time: nan s\n# elapsed time: -1e9 s\n# elapsed time: inf s\n";
	struct buildlog_summary summary;

	buildlog_summarize(text, "/build", &summary);
	ok(summary.elapsed_s == 2.5, "numbers that are no times are not added");
	buildlog_summary_done(&summary);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_format();
	test_forged_lines();
	explains("  CC a.o\na.c:3:1: error: no x\n", "a.c:3:1: error: no x",
		"the explanation is the compiler's error");
	explains("CC a.o\n/dkms/evdi/1.12.0/build/sub/a.c:3:1: error: no x in "
		 "/dkms/evdi/1.12.0/build\nmake: *** [Makefile:9: all] Error 2\n",
		"sub/a.c:3:1: error: no x in /dkms/evdi/1.12.0/build",
		"paths below the build directory are shortened");
	explains("/dkms/evdi/1.12.0/build/\n", "/dkms/evdi/1.12.0/build/",
		"the path of the build directory alone stays");
	explains("in /dkms/evdi/1.12.0/build/ and /dkms/evdi/1.12.0/build//dkms\n",
		"in /dkms/evdi/1.12.0/build/ and /dkms",
		"the path of the build directory stays before a space only");
	explains("ERROR: modpost: \"x\" undefined!\nmake: *** [a] Error 1\n\n"
		 "make: *** [b] Error 2\nmake: Leaving directory '/x'\n",
		"ERROR: modpost: \"x\" undefined!", "the explanation is modpost's error");
	explains("make: *** [a] Error 1\none\ntwo\nthree\nfour\nmake: *** [b] Error 2\n",
		"make: *** [a] Error 1\n...\nthree\nfour\nmake: *** [b] Error 2",
		"the explanation is make's first error and the last lines");
	explains("sh: foo: command not found\nmake: *** [a] Error 1\nbar\nmake: *** [b] "
		 "Error 2\n",
		"sh: foo: command not found\nmake: *** [a] Error 1\nbar\nmake: *** [b] "
		"Error 2",
		"the explanation has the command that the shell did not find, and what "
		"follows");
	explains("mkdir: cannot create directory '/lib/x': Read-only file system\n"
		 "make: *** [Makefile:2: all] Error 1\none\ntwo\nthree\n",
		"mkdir: cannot create directory '/lib/x': Read-only file system\n...\none\n"
		"two\nthree",
		"the explanation is what could not be written");
	explains("mknod: /tmp/x: Operation not permitted\nmake: *** [a] Error 1\none\ntwo\n"
		 "three\n",
		"mknod: /tmp/x: Operation not permitted\n...\none\ntwo\nthree",
		"the explanation is what was not permitted");
	explains("one\ntwo\nthree\nfour\nfive\n", "three\nfour\nfive",
		"the explanation is the last lines if nothing looks like an error");
	test_long_lines();
	unlink(path);
	return done_testing();
}
