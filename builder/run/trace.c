/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records what commands open, with fanotify(7). The kernel reports each event with a
 * descriptor of the file, whose link in /proc/self/fd is the path that the command saw.
 *
 * After a file with one hard link has been recorded, the kernel is told to ignore its
 * inode. A build opens a few hundred files, but most of them hundreds of times. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <time.h>

#include "base/file.h"
#include "builder/run/mounts.h"
#include "builder/run/readers.h"
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
	/* The list of the command's mounts. It is open until the last events are read,
	 * since that keeps the mounts: the path of a file on a mount that is gone begins at
	 * that mount. -1: no command is running. */
	int mounts_fd;
	struct mounts mounts; /* as it was when it was read last */
	/* A file with one hard link may have several paths, because of bind mounts. */
	bool has_second_names;
	struct timespec began;
	struct readers *readers; /* of the files that are watched, or NULL */
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

	t->mounts_fd = -1;
	t->fd = open_group();
	t->proc_fd = open_group();
	if (t->proc_fd < 0 || t->fd < 0 || !can_mark()) {
		error_errno(err, -errno, 1, "what builds read cannot be recorded");
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
	close_ptr(&t->mounts_fd);
	mounts_done(&t->mounts);
	readers_free(t->readers);
	for (size_t i = 0; i < t->n; i++)
		free(t->files[i].path);
	free(t->files);
	free(t->slots);
	free(t);
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

void trace_watch(struct trace *t, const char *dir, const struct strv *names)
{
	readers_free(t->readers);
	t->readers = readers_new(dir, names);
}

bool trace_list_read(const struct trace *t, struct strv *ret)
{
	if (!t->readers)
		return false;
	readers_list(t->readers, ret);
	return true;
}

/* Mounts */

/* Adds a mount, unless commands can write there or cannot reach it. root is the path of
 * the process's root directory. */
static int add_mount(struct trace *t, const char *root, const struct mount *mount)
{
	bool is_proc = streq(mount->type, "proc");
	_cleanup_free_ char *path = NULL;

	if (!mounts_is_visible(&t->mounts, mount))
		return 0;
	path = xasprintf("%s%s", root, mount->place);
	if (t->readers && !is_proc &&
		readers_add_mount(t->readers, path, mount->writable) < 0)
		readers_fail(t->readers);
	if (mount->writable && !is_proc)
		return 0;
	/* A mount whose place was removed is out of reach. */
	if (fanotify_mark(is_proc ? t->proc_fd : t->fd, FAN_MARK_ADD | FAN_MARK_MOUNT, EVENTS,
		    AT_FDCWD, path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return 0;
}

/* Reads mountinfo from its beginning. */
static int read_mounts(int fd, struct mounts *ret)
{
	_cleanup_(str_done) struct str text = {0};
	char buffer[8192];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0 && text.len < MOUNTINFO_MAX)
		str_add_bytes(&text, buffer, (size_t)n);
	if (n != 0 || !text.len)
		return n < 0 ? -errno : -EBADMSG;
	return mounts_parse(text.data, ret);
}

static int add_mounts(struct trace *t, pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%ld/mountinfo", (long)pid);
	_cleanup_free_ char *root = xasprintf("/proc/%ld/root", (long)pid);
	int r;

	t->mounts_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->mounts_fd < 0)
		return -errno;
	r = read_mounts(t->mounts_fd, &t->mounts);
	if (r == 0 && !t->has_second_names && mounts_have_second_names(&t->mounts)) {
		t->has_second_names = true;
		if (fanotify_mark(t->fd, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL) < 0)
			r = -errno;
	}
	for (size_t i = 0; i < t->mounts.n && r == 0; i++)
		r = add_mount(t, root, &t->mounts.items[i]);
	return r;
}

int trace_add_mounts(struct trace *t, pid_t pid)
{
	int r = add_mounts(t, pid);

	if (r < 0)
		trace_fail(t, "the mounts of its sandbox cannot be watched");
	return r;
}

/* Whether what was mounted while the command ran can have come between it and a file. If
 * nothing is different, a mount has come and gone. */
static bool mounts_matter(const struct mounts *before, const struct mounts *now)
{
	size_t n_same = 0, n_new = 0;

	for (size_t i = 0; i < now->n; i++) {
		const struct mount *mount = &now->items[i];
		const struct mount *old = mounts_find(before, mount->id);

		if (old && streq(old->place, mount->place) &&
			streq(old->root, mount->root) && streq(old->device, mount->device))
			n_same++;
		else if (mounts_is_visible(now, mount))
			return true;
		else
			n_new++;
	}
	return n_new == 0 && n_same == before->n;
}

/* The system passes what it mounts on to running sandboxes. On such a mount, which is not
 * marked, opens would not be reported. The kernel says when there was a change. */
static void check_mounts(struct trace *t)
{
	struct pollfd changes = {.fd = t->mounts_fd, .events = POLLPRI};
	struct mounts now = {0};
	int r;

	if (t->mounts_fd < 0)
		return;
	/* A signal, such as that of a child that has ended, interrupts even this. */
	do
		r = poll(&changes, 1, 0);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return;
	if (read_mounts(t->mounts_fd, &now) < 0 || mounts_matter(&t->mounts, &now))
		trace_fail(t, "file systems were mounted while it was built");
	mounts_done(&t->mounts);
	t->mounts = now;
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

/* Whether the file has no second path. */
static bool has_one_name(const struct trace *t, const struct stat *st)
{
	return !t->has_second_names && (S_ISDIR(st->st_mode) || st->st_nlink == 1);
}

/* Makes the kernel ignore further opens of the file, if they cannot tell anything new. */
static void ignore(struct trace *t, const struct traced_file *f, int fd)
{
	bool may_be_executed = f->st.st_mode & 0111 && !f->executed;
	_cleanup_free_ char *link = NULL;

	if (!S_ISREG(f->st.st_mode) || !has_one_name(t, &f->st) ||
		has_prefix(f->path, "/proc/"))
		return;
	link = xasprintf("/proc/self/fd/%d", fd);
	fanotify_mark(t->fd,
		FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
		FAN_OPEN | (may_be_executed ? 0 : FAN_OPEN_EXEC), AT_FDCWD, link);
}

/* A file in /proc cannot be looked at when its process has ended. */
static void record(struct trace *t, int fd, bool executed, bool is_proc)
{
	_cleanup_free_ char *link = NULL, *path = NULL;
	struct traced_file *f = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		if (!is_proc)
			trace_fail(t, "a file that it opened cannot be looked at");
		return;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return; /* devices, FIFOs and sockets have no content to compare */
	if (has_one_name(t, &st))
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

static void record_event(
	struct trace *t, const struct fanotify_event_metadata *e, bool is_proc)
{
	if (e->vers != FANOTIFY_METADATA_VERSION)
		trace_fail(t, "the kernel's reports have another version");
	else if (e->mask & FAN_Q_OVERFLOW)
		trace_fail(t, "it opened more files than the kernel could report");
	else if (e->fd < 0)
		trace_fail(t, "a file that it opened cannot be looked at");
	else
		record(t, e->fd, e->mask & FAN_OPEN_EXEC, is_proc);
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
			record_event(t, &event, fd == t->proc_fd);
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
	if (t->readers)
		readers_read(t->readers);
	check_mounts(t);
}

void trace_end_command(struct trace *t)
{
	trace_read(t);
	if (t->readers)
		readers_stop(t->readers);
	close_ptr(&t->mounts_fd);
	t->mounts_fd = -1;
	mounts_done(&t->mounts);
}
