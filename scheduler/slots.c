/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does dkms share job slots with make? It implements the jobserver of GNU make. Make
 * 4.3 and later support its form with a pipe, make 4.4 and later also that with a named
 * pipe. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scheduler/makeflags.h"
#include "scheduler/slots.h"

/* The directory of the named pipes. The sandbox has a /tmp of its own, in which the pipe
 * of a command has the same path. */
#define FIFO_DIR "/tmp/dkms-XXXXXX"

/* No more tokens than these lie unused in a pipe. */
#define UNUSED_MAX 64

/* With outer: a token that has lain unused for so many calls of slots_balance() is
 * returned, and the next one is lent after a pause, which becomes longer each time, up to
 * so many calls. */
#define UNUSED_CALLS 5
#define PAUSE_CALLS 64

/* Makes an empty struct, with no file open. */
static void clear(struct slots *s)
{
	*s = (struct slots){.fd = -1};
}

/* Opens the pipe that fd is an end of again, to read and write it without blocking.
 * O_NONBLOCK cannot be set on fd itself: it is a property of the open file, which makes
 * share. Returns a descriptor or a negative errno. */
static int open_nonblocking(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool put_token(int fd, char token)
{
	return write(fd, &token, 1) == 1;
}

int slots_init_pipe(struct slots *s, unsigned int total)
{
	clear(s);
	s->total = total ? total : 1;
	return 0;
}

int slots_init_fifo(struct slots *s, unsigned int total)
{
	char dir[] = FIFO_DIR;

	slots_init_pipe(s, total);
	if (!mkdtemp(dir))
		return -errno;
	s->fifo_dir = xstrdup(dir);
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

/* Opens the named pipe of the make that runs dkms. Returns a descriptor or a negative
 * errno. */
static int open_outer_fifo(const char *fifo)
{
	_cleanup_close_ int fd = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -ENOTCONN;
	return take_fd(&fd);
}

int slots_join_make(struct slots *s, const char *makeflags)
{
	struct makeflags m;
	int r = 0;

	clear(s);
	makeflags_parse(makeflags, &m);
	if (m.fifo)
		s->fd = open_outer_fifo(m.fifo);
	else if (are_pipe_ends(m.read_fd, m.write_fd))
		s->fd = open_nonblocking(m.read_fd);
	s->outer = s->implicit_free = true;
	s->total = m.jobs;
	if (s->fd < 0) {
		s->fd = -1;
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
	if (s->fifo_dir)
		rmdir(s->fifo_dir);
	free(s->fifo_dir);
	free(s->tokens);
	close_ptr(&s->fd);
	clear(s);
}

/* Takes a slot that is neither taken nor lent. */
static bool take_free(struct slots *s)
{
	if (!s->outer) {
		if (s->n_taken >= s->total)
			return false;
	} else if (s->implicit_free) {
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

/* Returns how many of the tokens that were lent to the command nobody has taken. The
 * command may have written more, which do not count. */
static unsigned int count_unused(const struct jobserver *js)
{
	int n = 0;

	if (!js->n_lent || ioctl(js->fd, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (unsigned int)n < js->n_lent ? (unsigned int)n : js->n_lent;
}

/* Lends a slot that the caller has taken. Returns false if the command has filled its
 * pipe. */
static bool lend(struct jobserver *js)
{
	if (!put_token(js->fd, '+'))
		return false;
	js->n_lent++;
	js->last_lent = ++js->slots->n_lends;
	return true;
}

/* Takes a token back that nobody has taken. The slot belongs to the caller then. */
static bool take_back(struct jobserver *js)
{
	char token;

	if (!js->n_lent || read(js->fd, &token, 1) != 1)
		return false;
	js->n_lent--;
	return true;
}

/* Returns the jobserver with the most or the fewest unused tokens; of several, the one
 * that a token was lent to first. NULL if there is none. */
static struct jobserver *find_server(
	const struct slots *s, bool most, unsigned int *ret_unused)
{
	struct jobserver *best = NULL;

	for (struct jobserver *js = s->servers; js; js = js->next) {
		unsigned int n = count_unused(js);

		if (best && (most ? n < *ret_unused : n > *ret_unused))
			continue;
		if (best && n == *ret_unused && js->last_lent >= best->last_lent)
			continue;
		best = js;
		*ret_unused = n;
	}
	return best;
}

bool slots_take(struct slots *s)
{
	struct jobserver *js;
	unsigned int unused;

	if (take_free(s))
		return true;
	js = find_server(s, true, &unused);
	return js && unused && take_back(js);
}

void slots_give(struct slots *s)
{
	s->n_taken--;
	if (!s->outer)
		return;
	if (s->n_tokens)
		put_token(s->fd, s->tokens[--s->n_tokens]);
	else
		s->implicit_free = true;
}

/* Slots of an outer make that nobody uses must be free for its other jobs. So only one
 * token at a time lies in the pipe of a command, and not for long. */
static void balance_outer(struct slots *s, struct jobserver *js)
{
	unsigned int unused = count_unused(js);

	if (unused && ++js->n_unused >= UNUSED_CALLS) {
		if (take_back(js))
			slots_give(s);
		js->n_unused = 0;
		js->pause = 2 * js->pause + 1 < PAUSE_CALLS ? 2 * js->pause + 1
							    : PAUSE_CALLS;
		js->n_pause = js->pause;
		return;
	}
	if (unused)
		return;
	if (js->n_unused)
		js->pause = 0; /* a make has taken the token */
	js->n_unused = 0;
	if (js->n_pause)
		js->n_pause--;
	else if (take_free(s) && !lend(js))
		slots_give(s);
}

void slots_balance(struct slots *s)
{
	unsigned int fewest, most = 0;

	if (s->outer) {
		for (struct jobserver *js = s->servers; js; js = js->next)
			balance_outer(s, js);
		return;
	}
	/* A single token that nobody has taken goes round: one step in each call. */
	while (most != 1) {
		struct jobserver *to = find_server(s, false, &fewest), *from;

		if (!to || fewest >= UNUSED_MAX)
			return;
		if (!take_free(s)) {
			from = fewest ? NULL : find_server(s, true, &most);
			if (!from || !most || !take_back(from))
				return;
		}
		if (!lend(to)) {
			slots_give(s);
			return;
		}
	}
}

char *slots_fifo_path(const struct slots *s, size_t number)
{
	return s->fifo_dir ? xasprintf("%s/%zu", s->fifo_dir, number) : NULL;
}

/* Makes the named pipe of a jobserver. */
static int open_fifo(struct jobserver *js, struct slots *s, const char *path)
{
	js->fifo = path ? xstrdup(path)
			: xasprintf("%s/command-%u", s->fifo_dir, s->n_fifos++);
	/* Only this user may enter the directory. The pipe itself may be used by every
	 * user, because builds run as another user in the sandbox, where only the pipe of
	 * the build itself is visible. */
	unlink(js->fifo);
	if (mkfifo(js->fifo, 0600) < 0 || chmod(js->fifo, 0666) < 0)
		return -errno;
	js->fd = open(js->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return js->fd < 0 ? -errno : 0;
}

/* Makes a pipe that has a name until it is open, for systems without /proc. */
static int open_pipe_by_name(struct jobserver *js)
{
	char dir[] = FIFO_DIR;
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (!mkdtemp(dir))
		return -errno;
	path = xasprintf("%s/pipe", dir);
	if (mkfifo(path, 0600) < 0)
		r = -errno;
	/* This end comes first: the others would wait for it. */
	if (r == 0 && ((js->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0 ||
			      (js->read_fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 ||
			      (js->write_fd = open(path, O_WRONLY | O_CLOEXEC)) < 0))
		r = -errno;
	unlink(path);
	rmdir(dir);
	return r;
}

static int open_pipe(struct jobserver *js)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	js->read_fd = fds[0];
	js->write_fd = fds[1];
	js->fd = open_nonblocking(js->read_fd);
	if (js->fd != -ENOENT)
		return js->fd < 0 ? js->fd : 0;
	jobserver_close_ends(js);
	return open_pipe_by_name(js);
}

int jobserver_open(struct jobserver *js, struct slots *s, const char *fifo)
{
	int r;

	*js = (struct jobserver){
		.slots = s, .next = s->servers, .fd = -1, .read_fd = -1, .write_fd = -1};
	s->servers = js;
	r = s->fifo_dir ? open_fifo(js, s, fifo) : open_pipe(js);
	if (r < 0) {
		js->fd = js->fd < 0 ? -1 : js->fd;
		jobserver_close(js);
	}
	return r;
}

void jobserver_set_makeflags(const struct jobserver *js, struct strv *env)
{
	unsigned int total = js->slots->total;
	_cleanup_free_ char *jobs = total ? xasprintf("%u", total) : xstrdup("");
	_cleanup_free_ char *ends =
		xasprintf("%d,%d", SLOTS_CHILD_READ_FD, SLOTS_CHILD_WRITE_FD);
	_cleanup_free_ char *flags = xasprintf(" -j%s --jobserver-auth=%s%s", jobs,
		js->fifo ? "fifo:" : "", js->fifo ? js->fifo : ends);

	strv_setenv(env, "MAKEFLAGS", flags);
}

void jobserver_close_ends(struct jobserver *js)
{
	close_ptr(&js->read_fd);
	close_ptr(&js->write_fd);
	js->read_fd = js->write_fd = -1;
}

void jobserver_close(struct jobserver *js)
{
	struct jobserver **at = &js->slots->servers;

	while (*at != js)
		at = &(*at)->next;
	*at = js->next;
	for (; js->n_lent; js->n_lent--)
		slots_give(js->slots);
	jobserver_close_ends(js);
	close_ptr(&js->fd);
	if (js->fifo)
		unlink(js->fifo);
	free(js->fifo);
}
