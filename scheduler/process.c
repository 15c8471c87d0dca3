/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is a child process started and reaped? With posix_spawn(3), which does not copy the
 * page tables, as vfork(2), and with wait4(2), which reports what the child has used. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "scheduler/process.h"

void process_set_fd(struct process_setup *setup, size_t number, int fd)
{
	while (setup->n_fds <= number)
		setup->fds[setup->n_fds++] = PROCESS_CLOSED;
	setup->fds[number] = fd;
}

/* Copies descriptors that would be overwritten while those of the child are set up to
 * higher numbers. Sets ret[i] to the copy, or to -1 if none is needed. Returns 0 or a
 * negative errno. */
static int copy_low_fds(const struct process_setup *setup, int *ret)
{
	for (size_t i = 0; i < setup->n_fds; i++)
		ret[i] = -1;
	for (size_t i = 0; i < setup->n_fds; i++) {
		int fd = setup->fds[i];

		if (fd < 0 || fd == (int)i || fd >= PROCESS_FDS)
			continue;
		ret[i] = fcntl(fd, F_DUPFD_CLOEXEC, PROCESS_FDS);
		if (ret[i] < 0)
			return -errno;
	}
	return 0;
}

/* Sets up descriptors 0, 1, 2, ... of the child. Returns 0 or a positive errno. */
static int add_fds(posix_spawn_file_actions_t *actions, const struct process_setup *setup,
	const int *moved)
{
	int r = 0;

	for (int i = 0; i < (int)setup->n_fds && r == 0; i++) {
		int fd = moved[i] >= 0 ? moved[i] : setup->fds[i];

		if (fd == PROCESS_CLOSED)
			continue;
		/* If the descriptor has that number already, this clears O_CLOEXEC. */
		if (fd >= 0)
			r = posix_spawn_file_actions_adddup2(actions, fd, i);
		else
			r = posix_spawn_file_actions_addopen(
				actions, i, "/dev/null", O_RDWR, 0);
	}
	return r;
}

/* Makes the child start a session, with the default action for every signal and no signal
 * blocked. Returns 0 or a positive errno. */
static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setflags(attr,
		POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r;
}

static int spawn(const struct command *cmd, const struct process_setup *setup, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int moved[PROCESS_FDS];
	int r = copy_low_fds(setup, moved);

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	if (r == 0)
		r = -set_attributes(&attr);
	if (r == 0)
		r = -add_fds(&actions, setup, moved);
	if (r == 0 && cmd->cwd)
		r = -posix_spawn_file_actions_addchdir_np(&actions, cmd->cwd);
	if (r == 0)
		r = -posix_spawnp(ret_pid, cmd->argv.items[0], &actions, &attr, cmd->argv.items,
			setup->env);
	for (size_t i = 0; i < setup->n_fds; i++)
		close_ptr(&moved[i]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* A child that is to be under a filter of system calls. */
struct filtered {
	const struct command *cmd;
	const struct process_setup *setup;
	pid_t pid;
	int r;
};

/* Puts this thread under the filter, which its child inherits, and starts that. */
static void *spawn_filtered(void *data)
{
	struct filtered *f = data;
	const struct str *bytes = f->cmd->filter;
	struct sock_fprog program = {
		.len = (unsigned short)(bytes->len / sizeof(struct sock_filter)),
		.filter = (void *)bytes->data,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		f->r = -errno;
	else
		f->r = spawn(f->cmd, f->setup, &f->pid);
	return NULL;
}

int process_spawn(const struct command *cmd, const struct process_setup *setup,
	pid_t *ret_pid)
{
	struct filtered f = {.cmd = cmd, .setup = setup};
	pthread_t thread;
	int r;

	if (!cmd->filter)
		return spawn(cmd, setup, ret_pid);
	r = pthread_create(&thread, NULL, spawn_filtered, &f);
	if (r != 0)
		return -r;
	pthread_join(thread, NULL);
	*ret_pid = f.pid;
	return f.r;
}

static uint64_t timeval_ns(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_usec * 1000u;
}

bool process_reap(pid_t pid, struct outcome *ret)
{
	siginfo_t info = {0};
	struct rusage used;
	int status;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
		return false;
	/* The rest of the process group has no purpose any more. Until the child is
	 * reaped, no other process group can get its number. */
	kill(-pid, SIGKILL);
	if (wait4(pid, &status, 0, &used) != pid)
		return false;
	if (WIFSIGNALED(status))
		ret->signal = WTERMSIG(status);
	else
		ret->exit_status = WEXITSTATUS(status);
	ret->cpu_ns = timeval_ns(&used.ru_utime) + timeval_ns(&used.ru_stime);
	ret->max_rss_bytes = (uint64_t)used.ru_maxrss * 1024;
	return true;
}

int process_open_pipe(uv_pipe_t *pipe, int *ret_write_fd)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_write_fd = fds[1];
	r = uv_pipe_open(pipe, fds[0]);
	if (r < 0)
		close(fds[0]);
	return r;
}
