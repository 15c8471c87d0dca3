/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job slots, shared with every make: GNU make's jobserver in its pipe form, which
 * make 4.3 and later understand. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/file.h"
#include "scheduler/slots.h"

int slots_init(struct slots *s, unsigned int total)
{
	char path[64];
	int fds[2];

	*s = (struct slots){.read_fd = -1, .write_fd = -1, .poll_fd = -1};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	s->read_fd = fds[0];
	s->write_fd = fds[1];
	/* O_NONBLOCK belongs to the open file, which makes would inherit; opening the pipe
	 * again gives one of our own. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->read_fd);
	s->poll_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (s->poll_fd < 0) {
		int r = -errno;

		slots_done(s);
		return r;
	}
	for (unsigned int i = 0; i < total || i < 1; i++, s->total++)
		if (write(s->write_fd, "+", 1) != 1)
			break;
	return 0;
}

void slots_done(struct slots *s)
{
	close_ptr(&s->read_fd);
	close_ptr(&s->write_fd);
	close_ptr(&s->poll_fd);
	*s = (struct slots){.read_fd = -1, .write_fd = -1, .poll_fd = -1};
}

bool slots_take(struct slots *s)
{
	char token;

	if (read(s->poll_fd, &token, 1) != 1)
		return false;
	s->taken++;
	return true;
}

void slots_give(struct slots *s)
{
	if (write(s->write_fd, "+", 1) == 1)
		s->taken--;
}

unsigned int slots_repair(struct slots *s)
{
	unsigned int present = 0, missing;
	char token;

	while (read(s->poll_fd, &token, 1) == 1)
		present++;
	missing = s->total - s->taken - present;
	for (unsigned int i = 0; i < present + missing; i++)
		if (write(s->write_fd, "+", 1) != 1)
			break;
	return missing;
}

void slots_environment(const struct slots *s, struct strv *env)
{
	_cleanup_free_ char *flags = xasprintf(" -j%u --jobserver-auth=%d,%d", s->total,
		SLOTS_CHILD_READ_FD, SLOTS_CHILD_WRITE_FD);

	strv_setenv(env, "MAKEFLAGS", flags);
}

/* The CPU quota of our control group in whole CPUs, rounded up; 0 without one. Documented
 * in the kernel's admin-guide/cgroup-v2.rst (cpu.max: "QUOTA PERIOD" or "max PERIOD"). */
static unsigned int cgroup_cpus(void)
{
	_cleanup_(str_done) struct str own = {0};
	_cleanup_(str_done) struct str max = {0};
	_cleanup_free_ char *path = NULL;
	unsigned long quota, period;
	char *line;

	if (file_read("/proc/self/cgroup", 65536, &own, NULL) < 0)
		return 0;
	line = strstr(own.data, "0::/");
	if (!line)
		return 0;
	line += strlen("0::");
	path = xasprintf("/sys/fs/cgroup%.*s/cpu.max", (int)strcspn(line, "\n"), line);
	if (file_read(path, 4096, &max, NULL) < 0)
		return 0;
	if (sscanf(max.data, "%lu %lu", &quota, &period) != 2 || !period)
		return 0;
	return (unsigned int)((quota + period - 1) / period);
}

unsigned int slots_default(void)
{
	unsigned int quota = cgroup_cpus();
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (quota && quota < (unsigned int)n)
		n = (int)quota;
	return n < 1 ? 1 : (unsigned int)n;
}
