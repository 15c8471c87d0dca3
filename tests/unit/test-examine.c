/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of the process that looks at module files: good ones, and what it may answer after a
 * module file has taken it over. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "builder/module/examine-answer.h"
#include "builder/module/examine.h"
#include "tests/unit/tap.h"

/* Answers of which answer_parse() reads the warnings "a" and "b", or fewer. */
#define ANSWER(text) text, sizeof(text)

static const struct {
	const char *bytes;
	size_t n;
	int code;             /* what answer_parse() returns */
	const char *warnings; /* joined, if it is not an error */
	const char *what;     /* of the error */
} answers[] = {
	{ANSWER("r0\0."), 0, "", NULL},
	{ANSWER("r1\0."), 1, "", NULL},
	{ANSWER("wa\0wb\0r0\0."), 0, "a,b", NULL},
	{ANSWER("e2 no such file\0."), -2, NULL, "no such file"},
	{ANSWER("wa\0e5 broken\0."), -5, NULL, "broken"},
	{ANSWER("e2 no libkmod\0hinstall it\0."), -2, NULL, "no libkmod"},
	/* The rest is wrong. */
	{"", 0, -EPROTO, NULL, NULL},
	{".", 1, -EPROTO, NULL, NULL},
	{ANSWER("."), -EPROTO, NULL, NULL},
	{ANSWER(""), -EPROTO, NULL, NULL},
	{ANSWER("r0"), -EPROTO, NULL, NULL},
	{"r0\0.", 4, -EPROTO, NULL, NULL},
	{"r0", 2, -EPROTO, NULL, NULL},
	{ANSWER("r0\0.\0"), -EPROTO, NULL, NULL},
	{ANSWER("r0\0.\0."), -EPROTO, NULL, NULL},
	{ANSWER("r0\0.x"), -EPROTO, NULL, NULL},
	{ANSWER("r0\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("r2\0."), -EPROTO, NULL, NULL},
	{ANSWER("r-1\0."), -EPROTO, NULL, NULL},
	{ANSWER("r\0."), -EPROTO, NULL, NULL},
	{ANSWER("r0 \0."), -EPROTO, NULL, NULL},
	{ANSWER("r0\0wa\0."), -EPROTO, NULL, NULL},
	{ANSWER("r0\0e2 x\0."), -EPROTO, NULL, NULL},
	{ANSWER("r0\0hx\0."), -EPROTO, NULL, NULL},
	{ANSWER("w\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("wa\nb\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("wa\033[2Jb\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("wa\177\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("xa\0r0\0."), -EPROTO, NULL, NULL},
	{ANSWER("e0 x\0."), -EPROTO, NULL, NULL},
	{ANSWER("e-2 x\0."), -EPROTO, NULL, NULL},
	{ANSWER("e2\0."), -EPROTO, NULL, NULL},
	{ANSWER("e2 \0."), -EPROTO, NULL, NULL},
	{ANSWER("e99999 x\0."), -EPROTO, NULL, NULL},
	{ANSWER("ex\0."), -EPROTO, NULL, NULL},
	{ANSWER("e2 x\0h\0."), -EPROTO, NULL, NULL},
	{ANSWER("e2 x\0ha\0hb\0."), -EPROTO, NULL, NULL},
	{ANSWER("e2 x\0r0\0."), -EPROTO, NULL, NULL},
};

static void test_parse(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		_cleanup_(strv_done) struct strv warnings = {0};
		_cleanup_(error_done) struct error err = {0};
		_cleanup_free_ char *joined = NULL;
		int r = answer_parse(answers[i].bytes, answers[i].n, &warnings, &err);

		joined = strv_join(&warnings, ",");
		ok(r == answers[i].code && streq(joined, answers[i].warnings
								 ? answers[i].warnings
								 : ""),
			"answer %zu: %d %s", i, r, joined);
		ok(answers[i].what ? err.what && streq(err.what, answers[i].what)
				   : !err.what,
			"answer %zu: the error is %s", i,
			err.what ? err.what : "none");
	}
}

static void test_long(void)
{
	_cleanup_(str_done) struct str many = {0}, text = {0};
	_cleanup_(strv_done) struct strv warnings = {0};

	for (int i = 0; i <= ANSWER_WARNINGS_MAX; i++)
		str_add_bytes(&many, "wa", 3);
	str_add_bytes(&many, "r0\0.", 5);
	is_int(answer_parse(many.data, many.len, &warnings, NULL), -EPROTO,
		"too many warnings");
	str_add(&text, "w");
	for (int i = 0; i <= ANSWER_TEXT_MAX; i++)
		str_add(&text, "a");
	str_add_bytes(&text, "\0r0\0.", 6);
	is_int(answer_parse(text.data, text.len, &warnings, NULL), -EPROTO,
		"a warning that is too long");
	is_int((long)warnings.n, 0, "nothing of these answers is taken");
}

/* What is written can be read. */
static void test_write(void)
{
	_cleanup_(strv_done) struct strv warnings = {0}, read = {0};
	_cleanup_(str_done) struct str bytes = {0}, error = {0};
	_cleanup_(error_done) struct error err = {0}, read_err = {0};
	_cleanup_free_ char *joined = NULL, *long_text = xcalloc(2 * ANSWER_TEXT_MAX, 1);

	memset(long_text, 'x', 2 * ANSWER_TEXT_MAX - 1);
	strv_push(&warnings, "m.ko: unknown symbols: \033[2Ja\nb");
	strv_push(&warnings, "");
	strv_push(&warnings, long_text);
	answer_write(&warnings, 1, &err, &bytes);
	is_int(answer_parse(bytes.data, bytes.len, &read, NULL), 1, "an answer is read");
	is(read.items[0], "m.ko: unknown symbols: ?[2Ja?b",
		"control characters are replaced");
	is(read.items[1], "?", "a text is not empty");
	is_int((long)strlen(read.items[2]), ANSWER_TEXT_MAX, "a long text is cut off");
	error_set(&err, -EBADMSG, 1, "not a module");
	error_remedy(&err, "rebuild it");
	answer_write(&warnings, -EBADMSG, &err, &error);
	is_int(answer_parse(error.data, error.len, &read, &read_err), -EBADMSG,
		"an error is read");
	is(read_err.what, "not a module", "its text");
	is(read_err.remedy, "rebuild it", "its remedy");
	is_int(read_err.status, 1, "its exit status");
}

/* Programs that end in several ways. */
static void test_process(void)
{
	static const struct {
		const char *script, *error;
	} programs[] = {
		{"kill -ABRT $$", "m.ko is not a module that can be read: the program that "
				  "looks at it was killed by signal 6"},
		{"exit 3", "m.ko is not a module that can be read: the program that looks at "
			   "it exited 3"},
		{"printf 'r0\\0.\\0'; exit 3", "m.ko is not a module that can be read: the "
					       "program that looks at it exited 3"},
		{"echo nonsense", "m.ko is not a module that can be read: the program that "
				  "looks at it gave no answer that can be read"},
		{"yes", "m.ko is not a module that can be read: the program that looks at it "
			"gave no answer: File too large"},
	};
	char dir[] = "/tmp/dkms-test-XXXXXX";
	_cleanup_free_ char *path = NULL;
	_cleanup_(strv_done) struct strv modules = {0}, none = {0}, warnings = {0};

	if (!ok(mkdtemp(dir) != NULL, "a temporary directory"))
		return;
	path = path_join(dir, "program");
	strv_push(&modules, "/none/m.ko");
	examine_set_program(path);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *text =
			xasprintf("#!/bin/sh\n%s\n", programs[i].script);
		_cleanup_(error_done) struct error err = {0};

		file_write(path, text, strlen(text), 0755, NULL);
		is_int(examine_for_kernel(&modules, "r", &none, &warnings, &err), -EPROTO,
			"a program that ends otherwise");
		is(err.what, programs[i].error, "the error says how");
	}
	dir_remove(dir, NULL);
	is_int(examine_for_kernel(&modules, "r", &none, &warnings, NULL), -EPROTO,
		"a program that is missing");
	is_int((long)warnings.n, 0, "no warning is taken from these");
}

/* A process that was taken over may wait for ever. */
static void test_timeout(void)
{
	char dir[] = "/tmp/dkms-test-XXXXXX";
	_cleanup_free_ char *path = NULL;
	_cleanup_(strv_done) struct strv modules = {0}, none = {0}, warnings = {0};
	_cleanup_(error_done) struct error err = {0}, other = {0};
	static const char text[] = "#!/bin/sh\nexec sleep 20\n";
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	time_t began = time(NULL);

	if (!ok(mkdtemp(dir) != NULL, "a temporary directory"))
		return;
	path = path_join(dir, "program");
	file_write(path, text, strlen(text), 0755, NULL);
	strv_push(&modules, "/none/m.ko");
	examine_set_program(path);
	examine_set_timeout(1);
	is_int(examine_decompress("/none/m.ko.xz", fd, &err), -EPROTO, "decompressing does not end");
	is(err.what, "/none/m.ko.xz cannot be decompressed: the program that does it ran longer than 1 s",
		"the error says so");
	is_int(examine_for_kernel(&modules, "r", &none, &warnings, &other), -EPROTO,
		"looking does not end");
	ok(time(NULL) - began < 15, "both were ended");
	examine_set_timeout(60);
	close(fd);
	dir_remove(dir, NULL);
}

/* Tries what a process may do under the filter of readers, and what it may not. Returns the
 * first thing that is wrong, or NULL. */
static const char *use_filter(const char *path, pid_t other)
{
	char bytes[4];
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, bytes, 4) != 4)
		return "it cannot read";
	if (close(fd) < 0 || access(path, R_OK) < 0 || !calloc(1, 16 << 20))
		return "it cannot close, look or allocate";
	if (open(path, O_WRONLY) >= 0 || open(path, O_RDWR) >= 0 ||
		open(path, O_RDONLY | O_TRUNC) >= 0)
		return "it can write";
	if (open("new", O_RDONLY | O_CREAT, 0600) >= 0 || mkdir("new", 0700) == 0 ||
		unlink(path) == 0 || rename(path, "new") == 0 || chmod(path, 0) == 0)
		return "it can change names";
	if (socket(AF_INET, SOCK_DGRAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		return "it can make a socket";
	if (kill(other, 0) == 0 || kill(getpid(), 0) == 0 ||
		syscall(SYS_tgkill, other, other, 0) == 0)
		return "it can send signals";
	if (syscall(SYS_tgkill, getpid(), getpid(), 0) < 0)
		return "it cannot send a signal to itself";
	if (syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0)
		return "it can trace";
	if (fork() >= 0 || syscall(SYS_execve, "/bin/true", NULL, NULL) == 0 ||
		errno != ENOSYS)
		return "it can start a program";
	return NULL;
}

static void test_filter(void)
{
	int fds[2], status = 1;
	char said[100] = "";
	pid_t pid;

	if (!ok(pipe(fds) == 0, "a pipe"))
		return;
	pid = fork();
	if (pid == 0) {
		void *filter = seccomp_make_reader_filter();
		const char *wrong = !filter ? "# SKIP there is no libseccomp"
				    : seccomp_enter(filter) < 0
					    ? "it cannot be entered"
					    : use_filter("/proc/self/exe", getppid());

		if (wrong && write(fds[1], wrong, strlen(wrong)) < 0)
			_exit(2);
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], said, sizeof(said) - 1) < 0)
		snprintf(said, sizeof(said), "nothing can be read");
	ok(!*said || *said == '#', "under the filter of readers: %s", said);
	waitpid(pid, &status, 0);
	is_int(status, 0, "the process under the filter exits");
	close(fds[0]);
}

int main(void)
{
	test_filter();
	test_parse();
	test_long();
	test_write();
	test_process();
	test_timeout();
	return done_testing();
}
