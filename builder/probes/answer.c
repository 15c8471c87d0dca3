/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before a compiler and answers what kbuild asks it.
 *
 * kbuild asks a compiler several dozen questions before it builds a module: whether it knows
 * an option, what its version is. Each costs a compiler, and often an assembler. The answers
 * depend on the question and on the compiler alone, so this program answers them from a memo
 * (memo.h), to the last byte: both outputs, and the output file. A compiler that fails is
 * always asked again.
 *
 * DIR/bin is the first directory of $PATH and has a link to this program for each compiler.
 *
 *   DIR/memo     answers. What is not in it is left to the compiler.
 *   DIR/no-debug-info
 *                compilers get -g0 as the last option where kbuild has asked for debug
 *                information: what they compile is stripped.
 *   DIR/record/  without a memo: gets a record of each question and what the compiler
 *                answered.
 *
 * Everything that is not such a question (options.h), and everything that goes wrong here, is
 * left to the compiler: this program becomes the next one of its name in $PATH, with a $PATH
 * that does not have DIR/bin, and so the compiler runs as it would without it.
 *
 * It is part of no sandbox's wall: a build that misuses it gets wrong answers for itself. The
 * memo is read-only there, and only a build of dkms's own, of no package, has DIR/record. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "builder/probes/memo.h"
#include "builder/probes/options.h"
#define SYS_MAIN
#include "builder/probes/sys.h"
#include "builder/probes/tmp-dir.h"

#ifdef ANSWER_LIBC
#include <sys/auxv.h>
#endif

#define QUESTION_MAX (48 * 1024) /* bytes */
#define STDIN_MAX (16 * 1024)    /* of standard input in a question (bytes) */
#define PATH_SIZE 4096           /* of a path (bytes) */
#define OUTPUT_MAX (48 * 1024)   /* of one output in a record (bytes) */
#define WORDS_MAX 8192           /* of a call that gets another word */

/* Directories of dkms's own in $PATH, whose programs hand on to the same compilers. */
static const char *const own_dirs[] = {"/run/ccache/bin", "/run/pahole"};

struct call {
	char **argv, **env;
	const char *program;	/* the path by which this program was started */
	const char *name;	/* its last part: "gcc-12" */
	char dir[PATH_SIZE];	/* the directory with the links */
	char path[64 * 1024];	/* "PATH=" and $PATH without dir */
	bool has_path;
	int stdin_copy;		/* a copy of what was read from standard input, or -1 */
	size_t n;		/* bytes of the question */
	bool too_long;
	char question[QUESTION_MAX];
};

static struct call call;

/* Files */

static long open_at(const char *path, int flags, int mode)
{
	return sys(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, mode, 0, 0);
}

static void close_fd(long fd)
{
	sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

static bool write_whole(long fd, const char *data, size_t n)
{
	while (n) {
		long r = sys(SYS_write, fd, (long)data, (long)n, 0, 0, 0);

		if (r == -EINTR)
			continue;
		if (r <= 0)
			return false;
		data += r;
		n -= (size_t)r;
	}
	return true;
}

/* Returns the number of bytes read, fewer than n at the end; negative after an error. */
static long read_whole(long fd, char *data, size_t n)
{
	size_t done = 0;

	while (done < n) {
		long r = sys(SYS_read, fd, (long)(data + done), (long)(n - done), 0, 0, 0);

		if (r == -EINTR)
			continue;
		if (r < 0)
			return r;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (long)done;
}

static long look(const char *path, int flags, struct stat *ret)
{
#ifdef ANSWER_LIBC
	return fstatat(AT_FDCWD, path, ret, flags) < 0 ? -errno : 0;
#else
	return sys(SYS_newfstatat, AT_FDCWD, (long)path, (long)ret, flags, 0, 0);
#endif
}

static _Noreturn void leave(int status)
{
	for (;;)
		sys(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

/* Puts n bytes of dir, "/" and name into path, which has PATH_SIZE bytes. */
static bool join(char *path, const char *dir, size_t n, const char *name)
{
	size_t m = strlen(name);

	if (n + m + 2 > PATH_SIZE)
		return false;
	memcpy(path, dir, n);
	path[n] = '/';
	memcpy(path + n + 1, name, m + 1);
	return true;
}

/* Handing on */

static bool is_element(const char *element, size_t n, const char *dir)
{
	return strlen(dir) == n && memcmp(element, dir, n) == 0;
}

static size_t element_length(const char *list)
{
	size_t n = 0;

	while (list[n] && list[n] != ':')
		n++;
	return n;
}

/* Sets call.path. Returns false if $PATH is too long. */
static bool reduce_path(const char *list)
{
	size_t n = strlen("PATH=");

	memcpy(call.path, "PATH=", n);
	for (bool first = true;; list++) {
		size_t len = element_length(list);

		if (!is_element(list, len, call.dir)) {
			if (n + len + 2 > sizeof(call.path))
				return false;
			if (!first)
				call.path[n++] = ':';
			memcpy(call.path + n, list, len);
			n += len;
			first = false;
		}
		list += len;
		if (!*list)
			break;
	}
	call.path[n] = '\0';
	return true;
}

/* Becomes the next program of the name in the reduced $PATH. */
static _Noreturn void hand_on(void)
{
	static const char message[] = ": not found\n";
	char path[PATH_SIZE];
	struct stat self = {0}, st;
	const char *list = call.has_path ? call.path + strlen("PATH=") : "/usr/bin:/bin";

	if (call.stdin_copy >= 0) {
		sys(SYS_lseek, call.stdin_copy, 0, SEEK_SET, 0, 0, 0);
		sys(SYS_dup3, call.stdin_copy, 0, 0, 0, 0, 0);
	}
	for (size_t i = 0; call.has_path && call.env[i]; i++)
		if (text_after(call.env[i], "PATH="))
			call.env[i] = call.path;
	look(call.program, 0, &self);
	for (;; list++) {
		size_t n = element_length(list);

		if (n && join(path, list, n, call.name) && look(path, 0, &st) == 0 &&
			S_ISREG(st.st_mode) &&
			(st.st_dev != self.st_dev || st.st_ino != self.st_ino))
			sys(SYS_execve, (long)path, (long)call.argv, (long)call.env, 0, 0,
				0);
		list += n;
		if (!*list)
			break;
	}
	write_whole(2, call.name, strlen(call.name));
	write_whole(2, message, sizeof(message) - 1);
	leave(127);
}

/* The question */

static void add_bytes(const char *data, size_t n)
{
	if (n > sizeof(call.question) - call.n) {
		call.too_long = true;
		return;
	}
	memcpy(call.question + call.n, data, n);
	call.n += n;
}

static void add_text(const char *text)
{
	add_bytes(text, strlen(text) + 1);
}

/* Adds $PATH without the directories of dkms. */
static void add_path(void)
{
	const char *list = call.path + strlen("PATH=");

	add_bytes("PATH=", strlen("PATH="));
	for (;; list++) {
		size_t n = element_length(list);
		bool own = false;

		for (size_t i = 0; i < sizeof(own_dirs) / sizeof(*own_dirs); i++)
			own = own || is_element(list, n, own_dirs[i]);
		if (!own) {
			add_bytes(list, n);
			add_bytes(":", 1);
		}
		list += n;
		if (!*list)
			break;
	}
	add_bytes("", 1);
}

/* Whether SOURCE_DATE_EPOCH has a value that compilers accept. It changes __DATE__ and
 * __TIME__, which are in no question. */
static bool is_date(const char *value)
{
	size_t n = 0;

	while (value[n] >= '0' && value[n] <= '9')
		n++;
	return n >= 1 && n <= 11 && !value[n];
}

/* Whether the variable makes compilers, assemblers or their libraries read something else, or
 * write more. Those of messages are in the question. */
static bool is_refused(const char *variable)
{
	static const char *const names[] = {"CCC_OVERRIDE_OPTIONS=", "CLANG_CONFIG",
		"COLLECT_", "COMPILER_PATH=", "CPATH=", "CPLUS_INCLUDE_PATH=",
		"C_INCLUDE_PATH=", "DEPENDENCIES_OUTPUT=", "GCC_COMPARE_DEBUG=",
		"GCC_EXEC_PREFIX=", "GCC_EXTRA_DIAGNOSTIC_OUTPUT=", "GCC_ROOT=",
		"GLIBC_TUNABLES=", "LD_", "LIBRARY_PATH=", "LOCPATH=", "NLSPATH=",
		"OBJC_INCLUDE_PATH=", "OUTPUT_CHARSET=", "POSIXLY_CORRECT=", "SDKROOT=",
		"SUNPRO_DEPENDENCIES="};
	const char *date = text_after(variable, "SOURCE_DATE_EPOCH=");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_after(variable, names[i]))
			return true;
	return date && !is_date(date);
}

static bool add_environment(void)
{
	static const char *const names[] = {
		"LANG=", "LANGUAGE=", "LC_ALL=", "LC_CTYPE=", "LC_MESSAGES="};

	for (size_t i = 0; call.env[i]; i++)
		if (is_refused(call.env[i]))
			return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (size_t j = 0; call.env[j]; j++)
			if (text_after(call.env[j], names[i]))
				add_text(call.env[j]);
	if (call.has_path)
		add_path();
	return true;
}

/* Adds standard input, and keeps a copy of it for the compiler. Returns false if it is too
 * long; the compiler gets all of it. */
static bool add_stdin(void)
{
	char data[STDIN_MAX];
	long n = read_whole(0, data, sizeof(data)), more = n;

	call.stdin_copy = (int)sys(SYS_memfd_create, (long)"stdin", MFD_CLOEXEC, 0, 0, 0, 0);
	if (n < 0 || call.stdin_copy < 0 || !write_whole(call.stdin_copy, data, (size_t)n))
		leave(1);
	if ((size_t)n < sizeof(data)) {
		add_bytes(data, (size_t)n);
		return options_are_closed(data, (size_t)n);
	}
	while ((more = read_whole(0, data, sizeof(data))) > 0)
		if (!write_whole(call.stdin_copy, data, (size_t)more))
			leave(1);
	return false;
}

/* Makes the question. Returns false if the call is none that a memo may answer. */
static bool ask(const struct probe *p)
{
	bool is_path = p->output && !text_is(p->output, "-") && !text_is(p->output, "/dev/null");

	add_text(call.name);
	for (size_t i = 1; call.argv[i]; i++)
		add_text(is_path && i == p->output_arg ? "*" : call.argv[i]);
	add_text("");
	if (!add_environment())
		return false;
	add_text("");
	return (!p->reads_stdin || add_stdin()) && !call.too_long;
}

/* Whether an output is a terminal, where compilers use colours. */
static bool has_terminal(void)
{
	char buffer[256];

	return sys(SYS_ioctl, 1, TCGETS, (long)buffer, 0, 0, 0) == 0 ||
	       sys(SYS_ioctl, 2, TCGETS, (long)buffer, 0, 0, 0) == 0;
}

/* Answers */

/* Writes the output file. Returns false, with nothing written, if that does not work. */
static bool write_file(const char *path, const char *data, size_t n)
{
	long fd = open_at(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	bool written = fd >= 0 && write_whole(fd, data, n);

	if (fd < 0)
		return false;
	close_fd(fd);
	if (!written)
		sys(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
	return written;
}

/* Gives the answer of a record, if that works, and ends. */
static void give(const struct memo_record *r, const char *data, const char *output)
{
	const char *out = data + r->question, *err = out + r->out, *file = err + r->err;

	if (r->file != MEMO_NO_FILE && (!output || !write_file(output, file, r->file)))
		return;
	write_whole(1, out, r->out);
	write_whole(2, err, r->err);
	leave(0);
}

/* Looks for the question in a memo of n bytes. Returns if it does not have it. */
static void search(const char *memo, size_t n, const char *output)
{
	struct memo_record r;

	if (n < MEMO_MAGIC_SIZE || memcmp(memo, MEMO_MAGIC, MEMO_MAGIC_SIZE) != 0)
		return;
	for (size_t at = MEMO_MAGIC_SIZE; n - at >= sizeof(r); at += r.size) {
		memcpy(&r, memo + at, sizeof(r));
		if (!memo_record_is_valid(&r, n - at))
			return;
		if (r.question == call.n &&
			memcmp(memo + at + sizeof(r), call.question, call.n) == 0)
			give(&r, memo + at + sizeof(r), output);
	}
}

/* Answers the question if the memo at path has it. Returns false if there is no memo. */
static bool answer(const char *path, const char *output)
{
	long fd = open_at(path, O_RDONLY | O_NOFOLLOW, 0);
	long n, memo;

	if (fd < 0)
		return false;
	n = sys(SYS_lseek, fd, 0, SEEK_END, 0, 0, 0);
	if (n <= 0 || n > MEMO_MAX)
		return true;
	memo = sys(SYS_mmap, 0, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memo < 0 && memo > -PATH_SIZE)
		return true;
	search((const char *)memo, (size_t)n, output);
	return true;
}

/* Recording */

/* Starts the compiler with these outputs. Returns its exit status, or -1 if it was killed. */
static int run(long out, long err)
{
	int status = 0;
	long r, pid = sys(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);

	if (pid == 0) {
		sys(SYS_dup3, out, 1, 0, 0, 0, 0);
		sys(SYS_dup3, err, 2, 0, 0, 0, 0);
		hand_on();
	}
	do
		r = sys(SYS_wait4, pid, (long)&status, 0, 0, 0, 0);
	while (r == -EINTR);
	return r != pid || (status & 0x7f) ? -1 : (status >> 8) & 0xff;
}

/* Appends what the file has to a record that is being made. Returns its size, or -1 if there
 * is too much. */
static long add_output(long fd)
{
	static char data[OUTPUT_MAX];
	long n;

	sys(SYS_lseek, fd, 0, SEEK_SET, 0, 0, 0);
	n = read_whole(fd, data, sizeof(data));
	if (n < 0 || (size_t)n == sizeof(data))
		return -1;
	add_bytes(data, (size_t)n);
	return call.too_long ? -1 : n;
}

/* Writes the record as a file of its own. What is not written is not recorded. */
static void keep(long dir, const struct memo_record *r)
{
	char name[24], *digit = name + sizeof(name) - 1;
	long pid = sys(SYS_getpid, 0, 0, 0, 0, 0, 0), fd;

	*digit = '\0';
	do
		*--digit = (char)('0' + pid % 10);
	while ((pid /= 10));
	fd = sys(SYS_openat, dir, (long)digit,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644, 0, 0);
	if (fd < 0)
		return;
	if (!write_whole(fd, (const char *)r, sizeof(*r)) ||
		!write_whole(fd, call.question, call.n))
		sys(SYS_unlinkat, dir, (long)digit, 0, 0, 0, 0);
	close_fd(fd);
}

/* Copies a file of outputs to the real one. */
static void replay(long from, long to)
{
	char data[4096];
	long n;

	sys(SYS_lseek, from, 0, SEEK_SET, 0, 0, 0);
	while ((n = read_whole(from, data, sizeof(data))) > 0)
		write_whole(to, data, (size_t)n);
}

/* Lets the compiler answer, and records it in dir if it succeeds. It may fail for want of room
 * or memory, too, which says nothing of the option; and with gcc a tenth of the questions fail. */
static _Noreturn void record(long dir, const char *output)
{
	long out = sys(SYS_memfd_create, (long)"out", MFD_CLOEXEC, 0, 0, 0, 0);
	long err = sys(SYS_memfd_create, (long)"err", MFD_CLOEXEC, 0, 0, 0, 0);
	struct memo_record r = {.question = (uint32_t)call.n, .file = MEMO_NO_FILE};
	long n_out, n_err, n_file = 0, fd = -1;
	int status;

	if (out < 0 || err < 0)
		hand_on();
	status = run(out, err);
	n_out = add_output(out);
	n_err = add_output(err);
	if (output)
		fd = open_at(output, O_RDONLY | O_NOFOLLOW, 0);
	if (fd >= 0)
		n_file = add_output(fd);
	if (status == 0 && n_out >= 0 && n_err >= 0 && n_file >= 0) {
		r.out = (uint32_t)n_out;
		r.err = (uint32_t)n_err;
		if (fd >= 0)
			r.file = (uint32_t)n_file;
		r.size = (uint32_t)(sizeof(r) + call.n);
		keep(dir, &r);
	}
	replay(out, 1);
	replay(err, 2);
	leave(status < 0 ? 1 : status);
}

/* The program */

/* Sets name and dir from the path by which this program was started. */
static bool find_dir(void)
{
	size_t n = strlen(call.program), slash = n;

	while (slash && call.program[slash - 1] != '/')
		slash--;
	call.name = call.program + slash;
	if (slash < 2 || slash > sizeof(call.dir))
		return false;
	memcpy(call.dir, call.program, slash - 1);
	call.dir[slash - 1] = '\0';
	return true;
}

/* pahole is asked for its version by each module's makefiles, several times. */
static bool is_question(struct probe *p)
{
	*p = (struct probe){0};
	if (text_is(call.name, "pahole"))
		return call.argv[0] && call.argv[1] && !call.argv[2] &&
		       text_is(call.argv[1], "--version");
	return options_understand(call.argv, p);
}

/* Adds -g0 to the words with which the compiler is called, if there is the mark. */
static void leave_debug_info_out(void)
{
	static char *words[WORDS_MAX + 2];
	static char none[] = "-g0";
	char path[PATH_SIZE];
	struct stat st;
	size_t n = 0;

	if (!join(path, call.dir, strlen(call.dir), "../" PROBES_NO_DEBUG_INFO) ||
		look(path, 0, &st) != 0)
		return;
	for (; call.argv[n] && n < WORDS_MAX; n++)
		words[n] = call.argv[n];
	if (call.argv[n])
		return;
	words[n] = none;
	call.argv = words;
}

static _Noreturn void start(char **argv, char **env, const char *program)
{
	char path[PATH_SIZE];
	const char *output;
	struct probe p;
	struct stat st;
	bool has_dir;
	long dir;

	call.argv = argv;
	call.env = env;
	call.program = program;
	call.stdin_copy = -1;
	has_dir = find_dir();
	for (size_t i = 0; env[i]; i++)
		if (text_after(env[i], "PATH="))
			call.has_path = reduce_path(env[i] + strlen("PATH="));
	if (tmp_dir_serve(call.name, argv))
		leave(0);
	if (has_dir && options_are_kbuilds_debug_info(argv))
		leave_debug_info_out();
	if (!has_dir || !is_question(&p) || has_terminal())
		hand_on();
	output = p.output && !text_is(p.output, "-") && !text_is(p.output, "/dev/null")
			 ? p.output
			 : NULL;
	/* A compiler that fails removes what was there before. */
	if ((output && look(output, AT_SYMLINK_NOFOLLOW, &st) != -ENOENT) || !ask(&p))
		hand_on();
	if (!join(path, call.dir, strlen(call.dir), "../memo") || answer(path, output) ||
		!join(path, call.dir, strlen(call.dir), "../record"))
		hand_on();
	dir = open_at(path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		hand_on();
	record(dir, output);
}

#ifdef ANSWER_LIBC
int main(int argc, char **argv, char **env)
{
	(void)argc;
	start(argv, env, (const char *)getauxval(AT_EXECFN));
}
#else
/* stack is what the kernel has put there: argc, argv, the environment, the auxiliary vector.
 * This is the System V ABI's. */
_Noreturn void answer_start(long *stack);

_Noreturn void answer_start(long *stack)
{
	char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1, **end = env;
	const char *program = "";

	while (*end)
		end++;
	for (const unsigned long *aux = (unsigned long *)(end + 1); *aux; aux += 2)
		if (aux[0] == AT_EXECFN)
			program = (const char *)aux[1];
	start(argv, env, program);
}
#endif
