/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does dkms share job slots with make? It implements the jobserver of GNU make. Make
 * 4.3 and later support its form with a pipe, make 4.4 and later also that with a named
 * pipe. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scheduler/makeflags.h"
#include "scheduler/slots.h"

/* The path of the named pipe. The sandbox has a /tmp of its own, in which the pipe has
 * the same path. */
#define FIFO_DIR "/tmp/dkms-XXXXXX"
#define FIFO_NAME "/slots"

/* Makes an empty struct, with no file open. */
static void clear(struct slots *s)
{
	*s = (struct slots){.fd = -1, .read_fd = -1, .write_fd = -1};
}

/* Opens the pipe again, as s->fd, to read it without blocking. O_NONBLOCK cannot be set
 * on s->read_fd: it is a property of the open file, which makes share. Returns 0 or a
 * negative errno. */
static int open_nonblocking(struct slots *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->read_fd);
	s->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static int put_token(const struct slots *s, char token)
{
	return write(s->fd, &token, 1) == 1 ? 0 : -errno;
}

/* Puts total tokens into the pipe, at least 1, or as many as it can hold. Sets
 * s->total. */
static void fill_pipe(struct slots *s, unsigned int total)
{
	for (unsigned int i = 0; (i < total || i < 1) && put_token(s, '+') == 0; i++)
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
	r = open_nonblocking(s);
	if (r == 0)
		fill_pipe(s, total);
	return r;
}

int slots_init_fifo(struct slots *s, unsigned int total)
{
	char dir[] = FIFO_DIR;

	clear(s);
	if (!mkdtemp(dir))
		return -errno;
	s->fifo = xasprintf("%s" FIFO_NAME, dir);
	/* Only this user may enter the directory. The pipe itself may be used by every
	 * user, because builds run as another user in the sandbox, where only the pipe is
	 * visible. */
	if (mkfifo(s->fifo, 0600) < 0 || chmod(s->fifo, 0666) < 0)
		return -errno;
	s->fd = open(s->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	fill_pipe(s, total);
	return 0;
}

/* Returns whether the descriptors are the two ends of one pipe. They may be other files,
 * if make did not pass the pipe on and the numbers have been used again. */
static bool are_pipe_ends(int read_fd, int write_fd)
{
	int reads = fcntl(read_fd, F_GETFL), writes = fcntl(write_fd, F_GETFL);
	struct stat a, b;

	return reads >= 0 && writes >= 0 && (reads & O_ACCMODE) != O_WRONLY &&
	       (writes & O_ACCMODE) != O_RDONLY && fstat(read_fd, &a) == 0 &&
	       fstat(write_fd, &b) == 0 && S_ISFIFO(a.st_mode) && stat_is_same(&a, &b);
}

/* Opens both ends of the named pipe of the make that runs dkms. Makes in a sandbox
 * inherit them, since they may be unable to open the pipe by its path. First opens it for
 * reading and writing: otherwise open(2) of one end would wait until another process
 * opens the other end. Returns 0 or a negative errno. */
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
	s->outer = s->implicit_free = true;
	s->total = m.jobs;
	if (r < 0 || !are_pipe_ends(s->read_fd, s->write_fd) || open_nonblocking(s) < 0) {
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
	if (s->implicit_free) {
		s->implicit_free = false;
	} else {
		if (s->n_tokens == s->tokens_size) {
			s->tokens_size = 2 * s->tokens_size + 16;
			s->tokens = xrealloc_array(s->tokens, s->tokens_size, 1);
		}
		if (read(s->fd, &s->tokens[s->n_tokens], 1) != 1)
			return false;
		s->n_tokens++;
	}
	s->n_taken++;
	return true;
}

void slots_give(struct slots *s)
{
	s->n_taken--;
	if (s->n_tokens)
		put_token(s, s->tokens[--s->n_tokens]);
	else
		s->implicit_free = true;
}

void slots_lend_to_command(struct slots *s)
{
	s->n_commands++;
}

unsigned int slots_reclaim_from_command(struct slots *s)
{
	unsigned int present = 0, want;
	char token;

	if (--s->n_commands || s->outer)
		return 0;
	while (read(s->fd, &token, 1) == 1)
		present++;
	want = s->total - s->n_taken;
	for (unsigned int i = 0; i < want; i++)
		if (put_token(s, '+') < 0)
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
