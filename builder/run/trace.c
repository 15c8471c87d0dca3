/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records what commands open, with fanotify(7). The kernel reports each event with a
 * descriptor of the file, whose link in /proc/self/fd is the path that the command saw.
 *
 * After a file with one hard link has been recorded, the kernel is told to ignore its
 * inode. A build opens a few hundred files, but most of them hundreds of times. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/fanotify.h>
#include <time.h>

#include "base/file.h"
#include "builder/run/seccomp.h"
#include "builder/run/trace.h"

#define EVENTS (FAN_OPEN | FAN_OPEN_EXEC | FAN_ONDIR)
/* O_NONBLOCK, because the kernel opens the file for us, which may be a FIFO. */
#define OPEN_FLAGS (O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME)
/* More files than this are not recorded. */
#define FILES_MAX 100000
#define MOUNTINFO_MAX (4 * 1024 * 1024) /* bytes */

struct trace {
	int fd;
	/* The same for /proc, where the kernel often cannot open a file for us because its
	 * process has ended. */
	int proc_fd;
	int filter_fd; /* of the filter of system calls */
	/* The mount namespace of the command, which is kept until the last events are
	 * read: the path of a file on a mount that is gone begins at that mount. -1: no
	 * command is running. */
	int namespace_fd;
	struct timespec began;
	struct traced_file *files;
	size_t n;
	/* A hash table with open addressing of the numbers of files, from 1; 0 is free. */
	uint32_t *slots;
	size_t room; /* a power of two, or 0 */
	const char *problem;
};

static int open_group(void)
{
	return fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
				     FAN_UNLIMITED_MARKS,
		OPEN_FLAGS);
}

/* Whether marks are permitted and known to the kernel. The group in which this is tried
 * is its own: what other programs open meanwhile is reported to it. */
static bool can_mark(void)
{
	_cleanup_close_ int fd = open_group();

	return fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, EVENTS,
				  AT_FDCWD, "/") == 0;
}

struct trace *trace_new(struct error *err)
{
	struct trace *t = xcalloc(1, sizeof(*t));

	t->filter_fd = t->namespace_fd = -1;
	t->fd = open_group();
	t->proc_fd = open_group();
	if (t->proc_fd < 0 || t->fd < 0 || !can_mark())
		error_errno(err, -errno, 1, "what builds read cannot be recorded");
	else
		t->filter_fd = seccomp_open_filter(err);
	if (t->filter_fd < 0) {
		trace_free(t);
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME_COARSE, &t->began);
	return t;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	close_ptr(&t->fd);
	close_ptr(&t->proc_fd);
	close_ptr(&t->filter_fd);
	close_ptr(&t->namespace_fd);
	for (size_t i = 0; i < t->n; i++)
		free(t->files[i].path);
	free(t->files);
	free(t->slots);
	free(t);
}

int trace_filter_fd(const struct trace *t)
{
	lseek(t->filter_fd, 0, SEEK_SET);
	return t->filter_fd;
}

void trace_fail(struct trace *t, const char *reason)
{
	if (!t->problem)
		t->problem = reason;
}

const char *trace_problem(const struct trace *t)
{
	return t->problem;
}

const struct traced_file *trace_files(const struct trace *t, size_t *ret_n)
{
	*ret_n = t->n;
	return t->files;
}

struct timespec trace_began(const struct trace *t)
{
	return t->began;
}

/* Mounts */

/* Replaces \ooo by its character in a field of mountinfo, in place. */
static void decode_field(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
				       from[3] - '0');
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* Whether the mount with this number, which mountinfo has at path, is in reach there.
 * Otherwise it is below another one: the machine may have mounted its /tmp, and the
 * sandbox another one over it. */
static bool is_topmost(const char *path, const char *number)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_MNT_ID, &stx) < 0)
		return errno != ENOENT && errno != ENOTDIR;
	/* Linux before 5.8 does not tell the number. */
	return !(stx.stx_mask & STATX_MNT_ID) ||
	       stx.stx_mnt_id == strtoull(number, NULL, 10);
}

/* Adds the mount that a line of mountinfo describes (proc_pid_mountinfo(5)), unless
 * commands can write there. root is the path of the process's root directory. */
static int add_mount(struct trace *t, const char *root, char *line)
{
	char *fields[6], *type;
	_cleanup_free_ char *path = NULL;
	bool is_proc;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&line, " ");
	type = line ? strstr(line, "- ") : NULL;
	if (!type)
		return -EBADMSG;
	is_proc = has_prefix(type, "- proc ");
	if (!has_prefix(fields[5], "ro") && !is_proc)
		return 0;
	decode_field(fields[4]);
	path = xasprintf("%s%s", root, fields[4]);
	if (!is_topmost(path, fields[0]))
		return 0;
	return fanotify_mark(is_proc ? t->proc_fd : t->fd, FAN_MARK_ADD | FAN_MARK_MOUNT,
		       EVENTS, AT_FDCWD, path) < 0
		       ? -errno
		       : 0;
}

int trace_add_mounts(struct trace *t, pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%ld/mountinfo", (long)pid);
	_cleanup_free_ char *root = xasprintf("/proc/%ld/root", (long)pid);
	_cleanup_free_ char *namespace = xasprintf("/proc/%ld/ns/mnt", (long)pid);
	_cleanup_(str_done) struct str text = {0};
	char *line, *rest;
	int r = file_read(path, MOUNTINFO_MAX, &text, NULL);

	t->namespace_fd = open(namespace, O_RDONLY | O_CLOEXEC);
	if (r == 0 && t->namespace_fd < 0)
		r = -errno;
	rest = text.data;
	while (r == 0 && (line = strsep(&rest, "\n")) && *line)
		r = add_mount(t, root, line);
	if (r < 0)
		trace_fail(t, "the mounts of its sandbox cannot be watched");
	return r;
}

/* Files */

static size_t hash(const struct stat *st)
{
	uint64_t x = (uint64_t)st->st_ino * 0x9e3779b97f4a7c15u ^ (uint64_t)st->st_dev;

	return (size_t)(x ^ x >> 29);
}

static void put_slot(struct trace *t, uint32_t number)
{
	size_t at = hash(&t->files[number - 1].st);

	while (t->slots[at & (t->room - 1)])
		at++;
	t->slots[at & (t->room - 1)] = number;
}

static void grow(struct trace *t)
{
	t->room = t->room ? 2 * t->room : 1024;
	free(t->slots);
	t->slots = xcalloc(t->room, sizeof(*t->slots));
	t->files = xrealloc_array(t->files, t->room / 2, sizeof(*t->files));
	for (size_t i = 0; i < t->n; i++)
		put_slot(t, (uint32_t)i + 1);
}

/* Finds the file with these numbers and, if path is not NULL, with this path. */
static struct traced_file *find_file(
	const struct trace *t, const struct stat *st, const char *path)
{
	if (!t->room)
		return NULL;
	for (size_t at = hash(st);; at++) {
		uint32_t number = t->slots[at & (t->room - 1)];
		struct traced_file *f = number ? &t->files[number - 1] : NULL;

		if (!f)
			return NULL;
		if (f->st.st_ino == st->st_ino && f->st.st_dev == st->st_dev &&
			(!path || streq(f->path, path)))
			return f;
	}
}

static struct traced_file *add_file(
	struct trace *t, const struct stat *st, const char *path)
{
	static const char deleted[] = " (deleted)";
	struct traced_file *f;

	if (t->n == FILES_MAX) {
		trace_fail(t, "it opened too many files");
		return NULL;
	}
	if (2 * t->n >= t->room)
		grow(t);
	f = &t->files[t->n++];
	*f = (struct traced_file){.path = xstrdup(path), .st = *st};
	if (st->st_nlink == 0) {
		f->deleted = true;
		if (has_suffix(path, deleted))
			f->path[strlen(path) - strlen(deleted)] = '\0';
	}
	put_slot(t, (uint32_t)t->n);
	return f;
}

/* Whether every path of the file leads to the same directory entry. */
static bool has_one_name(const struct stat *st)
{
	return S_ISDIR(st->st_mode) || st->st_nlink == 1;
}

/* Makes the kernel ignore further opens of the file, if they cannot tell anything new. */
static void ignore(struct trace *t, const struct traced_file *f, int fd)
{
	bool may_be_executed = f->st.st_mode & 0111 && !f->executed;
	_cleanup_free_ char *link = NULL;

	if (!S_ISREG(f->st.st_mode) || !has_one_name(&f->st) ||
		has_prefix(f->path, "/proc/"))
		return;
	link = xasprintf("/proc/self/fd/%d", fd);
	fanotify_mark(t->fd,
		FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
		FAN_OPEN | (may_be_executed ? 0 : FAN_OPEN_EXEC), AT_FDCWD, link);
}

static void record(struct trace *t, int fd, bool executed)
{
	_cleanup_free_ char *link = NULL, *path = NULL;
	struct traced_file *f = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		trace_fail(t, "a file that it opened cannot be looked at");
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return; /* devices, FIFOs and sockets have no content to compare */
	if (has_one_name(&st))
		f = find_file(t, &st, NULL);
	if (!f) {
		link = xasprintf("/proc/self/fd/%d", fd);
		if (link_read(link, &path) < 0) {
			trace_fail(t, "a file that it opened has no path");
			return;
		}
		f = find_file(t, &st, path);
	}
	if (!f)
		f = add_file(t, &st, path);
	if (!f)
		return;
	f->executed = f->executed || executed;
	ignore(t, f, fd);
}

static void record_event(struct trace *t, const struct fanotify_event_metadata *e)
{
	if (e->vers != FANOTIFY_METADATA_VERSION)
		trace_fail(t, "the kernel's reports have another version");
	else if (e->mask & FAN_Q_OVERFLOW)
		trace_fail(t, "it opened more files than the kernel could report");
	else if (e->fd < 0)
		trace_fail(t, "a file that it opened cannot be looked at");
	else
		record(t, e->fd, e->mask & FAN_OPEN_EXEC);
	if (e->fd >= 0)
		close(e->fd);
}

/* Reads the events of one group until there is none. */
static void read_group(struct trace *t, int fd)
{
	/* There is room for one event. If there were more and the kernel could not open
	 * the file of any but the first one, it would not tell. */
	struct fanotify_event_metadata event;

	for (;;) {
		ssize_t n = read(fd, &event, sizeof(event));

		if (n == sizeof(event)) {
			record_event(t, &event);
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		/* After an error, the kernel goes on with the next event. */
		if (n < 0 && (errno == EINTR || fd == t->proc_fd))
			continue;
		trace_fail(t, "a file that it opened cannot be looked at");
		if (n >= 0 || errno == EBADF || errno == EINVAL)
			return;
	}
}

void trace_read(struct trace *t)
{
	read_group(t, t->fd);
	read_group(t, t->proc_fd);
}

void trace_end_command(struct trace *t)
{
	trace_read(t);
	close_ptr(&t->namespace_fd);
	t->namespace_fd = -1;
}
