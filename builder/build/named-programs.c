/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which programs does the administrator name on the command line? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"
#include "builder/build/named-programs.h"

/* What ends a path in a command line. */
#define DELIMITERS " \t\n\"'`=;&|()<>"
#define FIRST_LINE_MAX 256 /* what the kernel reads of a script (bytes): BINPRM_BUF_SIZE */
#define SCRIPT_MAX (1024 * 1024) /* bytes */
#define INTERPRETERS_MAX 4 /* an interpreter may be a script: execve(2) */

/* Returns the path of the interpreter if the file, which is open, is a script; the caller
 * frees. NULL if it is none. */
static char *find_interpreter(int opened)
{
	_cleanup_close_ int fd =
		open(fd_path(opened).path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char text[FIRST_LINE_MAX + 1] = {0};
	char *at = text + 2;

	if (fd < 0 || read(fd, text, FIRST_LINE_MAX) < 2 || !has_prefix(text, "#!"))
		return NULL;
	at += strspn(at, " \t");
	at[strcspn(at, " \t\n")] = '\0';
	return *at == '/' && path_is_file(at) ? xstrdup(at) : NULL;
}

/* Adds the program, and its interpreter. Whoever can change a script names its interpreter,
 * which may be no file that he may not read. */
static void add_program(const char *path, struct strv *ret)
{
	_cleanup_free_ char *next = xstrdup(path);
	struct read_guard guard = {0};

	for (int i = 0; next && i <= INTERPRETERS_MAX; i++) {
		_cleanup_free_ char *real = NULL;
		_cleanup_close_ int fd = guard_resolve(next, &guard, &real);
		char *interpreter;
		struct stat st;

		if (fd == -EPERM && i > 0)
			return;
		if (!strv_contains(ret, next))
			strv_push(ret, next);
		if (fd < 0 || fstat(fd, &st) < 0)
			return;
		guard_enter(&guard, &st);
		interpreter = find_interpreter(fd);
		free(next);
		next = interpreter;
	}
}

void named_programs_list(const struct settings *s, struct strv *ret)
{
	for (size_t i = 0; i < s->directives.n; i++) {
		const char *at = s->directives.items[i];

		if (!has_prefix(at, "MAKE=") && !has_prefix(at, "MAKE["))
			continue;
		while (*at) {
			_cleanup_free_ char *word = NULL;

			at += strspn(at, DELIMITERS);
			word = xstrndup(at, strcspn(at, DELIMITERS));
			at += strlen(word);
			if (*word == '/' && path_is_file(word))
				add_program(word, ret);
		}
	}
}

/* Whether the owner of the file may run it, and the user of a build may not. */
static bool is_for_owner(const struct sandbox *box, const char *path)
{
	struct stat st;

	return box->uid && stat(path, &st) == 0 && st.st_mode & S_IXUSR &&
	       (!(st.st_mode & S_IXOTH) || !sandbox_user_can_read(box, path));
}

/* Hands over the text of a script. Returns whether that was possible. */
static bool hand_over(struct sandbox *box, const char *path)
{
	_cleanup_(str_done) struct str text = {0};
	struct read_guard guard;
	struct stat st;
	_cleanup_close_ int fd = guard_open_file(path, &guard, &st);

	if (fd < 0 || file_read_fd(fd, SCRIPT_MAX, &text) < 0 || !text.len ||
		strlen(text.data) != text.len)
		return false;
	strv_push_all(&box->data_files, (const char *const[]){text.data, path, NULL});
	return true;
}

void named_programs_show(const struct settings *s, struct sandbox *box)
{
	_cleanup_(strv_done) struct strv paths = {0};

	named_programs_list(s, &paths);
	for (size_t i = 0; i < paths.n; i++) {
		const char *path = paths.items[i];
		struct read_guard guard = {0};
		_cleanup_free_ char *real = NULL;
		_cleanup_close_ int fd = guard_resolve(path, &guard, &real);

		if (fd == -EPERM) /* sandbox_wrap_command() says why it is not shown */
			strv_push(&box->readable_paths, path);
		if (fd < 0 || (is_for_owner(box, path) && hand_over(box, path)))
			continue;
		/* Mounts in the place of links: what is made in /tmp stays there until the
		 * end of the build, and a link cannot be made twice. */
		if (sandbox_hides_path(real))
			strv_push_all(&box->moved_paths,
				(const char *const[]){real, real, NULL});
		if (sandbox_hides_path(path) && !streq(path, real))
			strv_push_all(&box->moved_paths,
				(const char *const[]){real, path, NULL});
	}
}
