/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does rpm say? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/child.h"
#include "builder/host/rpm.h"

extern char **environ;

int rpm_run(const char *root, const struct strv *arguments, struct str *ret)
{
	_cleanup_(strv_done) struct strv argv = {0}, env = {0};
	char buffer[4096];
	int fds[2], r, status;
	ssize_t n;
	pid_t pid;

	strv_push(&argv, "rpm");
	if (*root)
		strv_push_all(&argv, (const char *const[]){"--root", root, NULL});
	strv_extend(&argv, arguments);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	strv_push_all(&env, (const char *const *)environ);
	strv_setenv(&env, "LC_ALL", "C");
	r = child_start(argv.items[0], &argv, &env, fds[1], &pid);
	close(fds[1]);
	while (r == 0 && ((n = read(fds[0], buffer, sizeof(buffer))) > 0 ||
				 (n < 0 && errno == EINTR)))
		str_add_bytes(ret, buffer, n > 0 ? (size_t)n : 0);
	close(fds[0]);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
