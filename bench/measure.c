/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command and measures what the command and all its processes use.
 *
 *	bench/measure FILE COMMAND...
 *
 * appends a line of JSON to FILE, with
 *
 *	wall_s		the time from start to end
 *	cpu_s		the user and system time of all processes
 *	memory_bytes	the largest resident set of the command's first process
 *	largest_bytes	the largest resident set of any of its processes
 *	processes	the number of processes and threads that were started
 *	written_bytes	the bytes written to files on disks, in whole pages; a tmpfs does not count
 *
 * It exits with the exit status of the command. It must run as root, because it runs the
 * command in a new PID namespace. The first process of the namespace inherits orphans, so
 * the kernel adds up what all processes used. The last PID of the namespace gives the number
 * of processes, including those of nested namespaces. */
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

/* When PIDs reach the maximum, the kernel continues with this one (RESERVED_PIDS in
 * kernel/pid.c). */
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

/* Returns the number behind a word at the beginning of a line in a file of /proc, or -1
 * if there is none. */
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

/* Counts the PIDs that the namespace has assigned, which may have started again from the
 * lowest one. */
struct pids {
	long long last;	  /* the last PID that was assigned */
	long long before; /* the number of PIDs before PIDs last started again */
};

/* Updates the count with the last PID, the fifth field of /proc/loadavg. Must be called
 * before PIDs can start again twice. */
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

/* Interrupts waitpid(2), so that the PIDs are counted now and then. */
static void on_alarm(int sig)
{
	(void)sig;
}

/* Waits for all processes of the namespace. Returns the wait status of pid, with the time
 * at which it ended and its largest resident set (bytes). pid is traced, so that it stops
 * at its exit while its memory can still be measured. */
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

/* Runs the command as the first process of the namespace, and appends the line to out.
 * Returns the exit status of the command. */
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
	/* the command has been forked already, and counts */
	pids.before = -pids.last + 1;
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
