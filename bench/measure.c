/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command and tells what it and all its processes have used, as a line of JSON:
 *
 *	bench/measure FILE COMMAND...
 *
 * appends to FILE
 *
 *	wall_s		from its start to its end
 *	cpu_s		user and system time of all processes
 *	memory_bytes	the most that the command itself had resident
 *	largest_bytes	the most that any one of its processes had
 *	processes	how many were started, threads counted like processes
 *	written_bytes	what was changed in files on disks, in pages; nothing for a tmpfs
 *
 * and exits as the command does. Root: it runs as the only one in a PID namespace of its
 * own, whose first process takes everybody's figures when they end, and where the number of
 * the last process, those of nested namespaces included, is how many there were. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Pids that are not given again when they begin anew. */
#define RESERVED_PIDS 300

static void die(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The number behind a word in a file of /proc; -1: there is none. */
static long long number_in(const char *path, const char *word)
{
	long long n = -1;
	char line[256];
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	while (n < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, strlen(word)))
			n = strtoll(line + strlen(word), NULL, 10);
	fclose(f);
	return n;
}

/* How many pids this namespace has given, which may have begun anew. */
struct pids {
	long long last, before; /* before: up to the last new beginning */
};

static void count_pids(struct pids *p)
{
	long long last = -1;
	FILE *f = fopen("/proc/loadavg", "re");

	if (!f || fscanf(f, "%*s %*s %*s %*s %lld", &last) != 1)
		die("/proc/loadavg");
	fclose(f);
	if (last < p->last)
		p->before += number_in("/proc/sys/kernel/pid_max", "") - RESERVED_PIDS;
	p->last = last;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Waits for all processes. Returns the wait status of pid, which is traced so that it stops
 * before its memory is gone. */
static int wait_for_all(pid_t pid, struct pids *pids, double *ret_end_s, long long *ret_memory)
{
	char path[64];
	int status = 0, result = -1;
	pid_t r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	while ((r = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (r < 0) {
			count_pids(pids);
			continue;
		}
		if (!WIFSTOPPED(status)) {
			if (r == pid) {
				*ret_end_s = now_s();
				result = status;
			}
			continue;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			*ret_memory = number_in(path, "VmHWM:") * 1024;
		ptrace(PTRACE_CONT, r, NULL, status >> 16 ? 0 : WSTOPSIG(status));
	}
	return result;
}

/* The first process of the namespace. */
static int measure(FILE *out, char **command)
{
	struct sigaction alarmed = {.sa_handler = on_alarm};
	const struct timeval tenth = {.tv_usec = 100000};
	const struct itimerval often = {tenth, tenth};
	long long memory = -1, written;
	double began_s, ended_s = 0;
	struct rusage used;
	struct pids pids = {0};
	int go[2], status;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		die("/proc cannot be mounted");
	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		char c;

		close(go[1]);
		if (read(go[0], &c, 1) == 0) {
			execvp(command[0], command);
			fprintf(stderr, "measure: %s: %s\n", command[0], strerror(errno));
		}
		_exit(127);
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) < 0)
		die("ptrace");
	sigaction(SIGALRM, &alarmed, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	written = number_in("/proc/self/io", "write_bytes:");
	close(go[0]);
	count_pids(&pids);
	pids.before = -pids.last + 1; /* the command is one */
	began_s = now_s();
	close(go[1]);

	status = wait_for_all(pid, &pids, &ended_s, &memory);
	count_pids(&pids);
	getrusage(RUSAGE_CHILDREN, &used);
	fprintf(out,
		"{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"memory_bytes\":%lld,\"largest_bytes\":%lld,"
		"\"processes\":%lld,\"written_bytes\":%lld}\n",
		ended_s - began_s,
		(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
		memory, used.ru_maxrss * 1024LL, pids.before + pids.last,
		number_in("/proc/self/io", "write_bytes:") - written);
	if (fflush(out))
		die("cannot write");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int status;
	FILE *out;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: measure FILE COMMAND...\n");
		return 125;
	}
	out = fopen(argv[1], "ae");
	if (!out)
		die(argv[1]);
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
		die("no namespaces");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(measure(out, argv + 2));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
