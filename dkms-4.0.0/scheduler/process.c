/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes: posix_spawn, which is vfork, and wait4. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "scheduler/process.h"

/* Copies the descriptors that others of the child's would overwrite to higher numbers;
 * ret[i] is -1 where that is not needed. */
static int move_up(const struct process_setup *setup, int *ret)
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

static int add_fds(posix_spawn_file_actions_t *actions, const struct process_setup *setup,
	const int *moved)
{
	int r = 0;

	for (int i = 0; i < (int)setup->n_fds && r == 0; i++) {
		int fd = moved[i] >= 0 ? moved[i] : setup->fds[i];

		/* To itself: takes O_CLOEXEC away. */
		if (fd >= 0)
			r = posix_spawn_file_actions_adddup2(actions, fd, i);
		else
			r = posix_spawn_file_actions_addopen(
				actions, i, "/dev/null", O_RDWR, 0);
	}
	return r;
}

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

int process_spawn(const struct command *cmd, const struct process_setup *setup,
	pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int moved[PROCESS_FDS];
	int r = move_up(setup, moved);

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

static uint64_t ns_of(const struct timeval *t)
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
	/* Its number is not another's yet. What is left of the group has lost its purpose. */
	kill(-pid, SIGKILL);
	if (wait4(pid, &status, 0, &used) != pid)
		return false;
	if (WIFSIGNALED(status))
		ret->signal = WTERMSIG(status);
	else
		ret->exit_status = WEXITSTATUS(status);
	ret->cpu_ns = ns_of(&used.ru_utime) + ns_of(&used.ru_stime);
	ret->max_rss_bytes = (uint64_t)used.ru_maxrss * 1024;
	return true;
}
