/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_RUN_H
#define TESTS_UNIT_RUN_H

/* Runs a struct command for tests of the builder without a scheduler: waits for it,
 * captures its output and standard error, and enforces its time limit. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "builder/run/command.h"

static inline double run_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void run_child(const struct command *c, int out, int err)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	if (c->cwd && chdir(c->cwd) < 0)
		_exit(126);
	execve(c->argv.items[0], c->argv.items, c->env.n ? c->env.items : environ);
	_exit(127);
}

/* Reads available bytes into s. Returns false at the end of the file. */
static inline bool run_read(int fd, struct str *s)
{
	char buffer[65536];
	ssize_t n = read(fd, buffer, sizeof(buffer));

	if (n > 0 && s->len + (size_t)n <= COMMAND_CAPTURE_MAX)
		str_add_bytes(s, buffer, (size_t)n);
	return n > 0;
}

static inline void run_command(const struct command *c, struct outcome *o)
{
	double start = run_now();
	int out[2], err[2], status;
	struct pollfd fds[2];
	pid_t pid;

	*o = (struct outcome){0};
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid == 0)
		run_child(c, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	fds[0] = (struct pollfd){.fd = out[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = err[0], .events = POLLIN};
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, 20) < 0)
			break;
		for (int i = 0; i < 2; i++)
			if (fds[i].fd >= 0 && fds[i].revents &&
				!run_read(fds[i].fd, i ? &o->err : &o->out))
				fds[i].fd = -1;
		if (c->timeout_s && run_now() - start > c->timeout_s) {
			o->timed_out = true;
			kill(-pid, SIGKILL);
			break;
		}
	}
	waitpid(pid, &status, 0);
	close(out[0]);
	close(err[0]);
	if (WIFSIGNALED(status))
		o->signal = WTERMSIG(status);
	else
		o->exit_status = WEXITSTATUS(status);
	o->elapsed_s = run_now() - start;
}

#endif
