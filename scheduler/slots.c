/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The job slots, shared with every make: GNU make's jobserver. In its pipe form make 4.3
 * and later understand it, as a named pipe make 4.4 and later. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "scheduler/makeflags.h"
#include "scheduler/slots.h"

/* Where the named pipe is: the sandbox has a /tmp of its own, and shows it there. */
#define FIFO_DIR "/tmp/dkms-XXXXXX"
#define FIFO_NAME "/slots"

static void clear(struct slots *s)
{
	*s = (struct slots){.fd = -1, .read_fd = -1, .write_fd = -1};
}

/* O_NONBLOCK belongs to the open file, which makes share; opening the pipe again gives one
 * of our own. */
static int open_own(struct slots *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->read_fd);
	s->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static int put(const struct slots *s, char token)
{
	return write(s->fd, &token, 1) == 1 ? 0 : -errno;
}

static void fill_up(struct slots *s, unsigned int total)
{
	for (unsigned int i = 0; (i < total || i < 1) && put(s, '+') == 0; i++)
		s->total++;
}

int slots_init_pipe(struct slots *s, unsigned int total)
{
	int fds[2], r;

	clear(s);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	s->read_fd = fds[0];
	s->write_fd = fds[1];
	r = open_own(s);
	if (r == 0)
		fill_up(s, total);
	return r;
}

int slots_init_fifo(struct slots *s, unsigned int total)
{
	char dir[] = FIFO_DIR;

	clear(s);
	if (!mkdtemp(dir))
		return -errno;
	s->fifo = xasprintf("%s" FIFO_NAME, dir);
	/* The directory keeps others out; who is shown the pipe in a sandbox may use it. */
	if (mkfifo(s->fifo, 0600) < 0 || chmod(s->fifo, 0666) < 0)
		return -errno;
	s->fd = open(s->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	fill_up(s, total);
	return 0;
}

/* The descriptors are the two ends of one pipe, and not what somebody else has opened there
 * since. */
static bool are_pipe_ends(int read_fd, int write_fd)
{
	int reads = fcntl(read_fd, F_GETFL), writes = fcntl(write_fd, F_GETFL);
	struct stat a, b;

	return reads >= 0 && writes >= 0 && (reads & O_ACCMODE) != O_WRONLY &&
	       (writes & O_ACCMODE) != O_RDONLY && fstat(read_fd, &a) == 0 &&
	       fstat(write_fd, &b) == 0 && S_ISFIFO(a.st_mode) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Makes in a sandbox may not reach the named pipe of a make outside: they inherit its ends.
 * With one open for both, opening the ends does not wait for each other. */
static int open_outer_fifo(struct slots *s, const char *fifo)
{
	_cleanup_close_ int both = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (both < 0 || fstat(both, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -ENOTCONN;
	s->read_fd = open(fifo, O_RDONLY | O_CLOEXEC);
	s->write_fd = open(fifo, O_WRONLY | O_CLOEXEC);
	return 0;
}

int slots_join_make(struct slots *s, const char *makeflags)
{
	struct makeflags m;
	int r = 0;

	clear(s);
	makeflags_parse(makeflags, &m);
	if (m.fifo) {
		r = open_outer_fifo(s, m.fifo);
	} else {
		s->read_fd = fcntl(m.read_fd, F_DUPFD_CLOEXEC, 3);
		s->write_fd = fcntl(m.write_fd, F_DUPFD_CLOEXEC, 3);
	}
	s->outer = s->implicit = true;
	s->total = m.jobs;
	if (r < 0 || !are_pipe_ends(s->read_fd, s->write_fd) || open_own(s) < 0) {
		slots_done(s);
		r = -ENOTCONN;
	}
	if (!m.jobserver)
		r = 0;
	else if (r == 0)
		r = 1;
	makeflags_done(&m);
	return r;
}

void slots_done(struct slots *s)
{
	while (s->outer && s->n_tokens)
		slots_give(s);
	if (s->fifo) {
		char *slash = strrchr(s->fifo, '/');

		unlink(s->fifo);
		*slash = '\0';
		rmdir(s->fifo);
	}
	free(s->fifo);
	free(s->tokens);
	close_ptr(&s->fd);
	close_ptr(&s->read_fd);
	close_ptr(&s->write_fd);
	clear(s);
}

bool slots_take(struct slots *s)
{
	if (s->implicit) {
		s->implicit = false;
	} else {
		if (s->n_tokens == s->room) {
			s->room = 2 * s->room + 16;
			s->tokens = xrealloc_array(s->tokens, s->room, 1);
		}
		if (read(s->fd, &s->tokens[s->n_tokens], 1) != 1)
			return false;
		s->n_tokens++;
	}
	s->taken++;
	return true;
}

void slots_give(struct slots *s)
{
	s->taken--;
	if (s->n_tokens)
		put(s, s->tokens[--s->n_tokens]);
	else
		s->implicit = true;
}

void slots_lend_to_command(struct slots *s)
{
	s->n_makes++;
}

unsigned int slots_reclaim_from_command(struct slots *s)
{
	unsigned int present = 0, want;
	char token;

	if (--s->n_makes || s->outer)
		return 0;
	while (read(s->fd, &token, 1) == 1)
		present++;
	want = s->total - s->taken;
	for (unsigned int i = 0; i < want; i++)
		if (put(s, '+') < 0)
			break;
	return present < want ? want - present : 0;
}

void slots_set_makeflags(const struct slots *s, struct strv *env)
{
	_cleanup_free_ char *jobs = s->total ? xasprintf("%u", s->total) : xstrdup("");
	_cleanup_free_ char *ends =
		xasprintf("%d,%d", SLOTS_CHILD_READ_FD, SLOTS_CHILD_WRITE_FD);
	_cleanup_free_ char *flags = xasprintf(" -j%s --jobserver-auth=%s%s", jobs,
		s->fifo ? "fifo:" : "", s->fifo ? s->fifo : ends);

	strv_setenv(env, "MAKEFLAGS", flags);
}
