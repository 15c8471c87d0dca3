/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of the build directory does something else than the compiler read? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "builder/run/readers.h"

/* O_NONBLOCK, because the kernel opens the file for us, which may be a FIFO. */
#define OPEN_FLAGS (O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME)
/* The number of slots for processes. A process is forgotten when so many others have been
 * started after it, long before the kernel gives its number to another one. */
#define PROCESSES 4096

struct watched {
	dev_t dev;
	ino_t ino;
	char *name;
	bool is_source; /* by its name */
	bool read;
};

struct readers {
	int fd;
	struct stat dir;
	struct watched *files; /* sorted by device and inode */
	size_t n;
	bool all; /* all files count as read */
	/* The process in a slot is a compiler: the slot is its number modulo PROCESSES,
	 * and its age the number of programs that had been started before it. */
	struct {
		pid_t pid;
		size_t age;
	} compilers[PROCESSES];
	size_t n_started;
};

static int compare_files(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static bool is_source(const char *name)
{
	static const char *const suffixes[] = {".c", ".h", ".S"};

	return text_has_suffix_of(name, suffixes, ARRAY_SIZE(suffixes));
}

bool readers_is_kbuild_product(const char *name)
{
	static const char *const suffixes[] = {
		".a", ".cmd", ".d", ".ko", ".mod", ".mod.c", ".o", ".order", ".symvers"};

	return text_has_suffix_of(name, suffixes, ARRAY_SIZE(suffixes));
}

/* Whether the file is one of those with which kbuild tries options of the compiler:
 * .tmp_NUMBER/tmp and .tmp_NUMBER/tmp.o, for example. */
static bool is_try(const char *path)
{
	static const char dir[] = "/.tmp_";
	const char *at = path;

	while ((at = strstr(at, dir))) {
		at += strlen(dir);
		if (has_prefix(at + strspn(at, "0123456789"), "/tmp"))
			return true;
	}
	return false;
}

/* Adds a file and watches it, under all names that it has and will have. */
static int add_file(struct readers *r, const char *dir, const char *name)
{
	_cleanup_free_ char *path = path_join(dir, name);
	struct stat st;

	if (lstat(path, &st) < 0 || fanotify_mark(r->fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD,
					    path) < 0)
		return -errno;
	r->files[r->n++] = (struct watched){
		st.st_dev, st.st_ino, xstrdup(name), is_source(name), false};
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

struct readers *readers_new(const char *dir, const struct strv *names)
{
	struct readers *r = xcalloc(1, sizeof(*r));
	int result = 0;

	r->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
				      FAN_UNLIMITED_MARKS | FAN_UNLIMITED_QUEUE,
		OPEN_FLAGS);
	if (r->fd < 0 || stat(dir, &r->dir) < 0)
		result = -errno;
	r->files = xcalloc(names->n + 1, sizeof(*r->files));
	for (size_t i = 0; i < names->n && result == 0; i++)
		result = add_file(r, dir, names->items[i]);
	if (result < 0) {
		readers_free(r);
		return NULL;
	}
	qsort(r->files, r->n, sizeof(*r->files), compare_files);
	for (size_t i = 1; i < r->n; i++)
		r->all = r->all || compare_files(&r->files[i - 1], &r->files[i]) == 0;
	return r;
}

void readers_free(struct readers *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	for (size_t i = 0; i < r->n; i++)
		free(r->files[i].name);
	free(r->files);
	free(r);
}

int readers_add_mount(struct readers *r, const char *path, bool writable)
{
	uint64_t events = FAN_OPEN_EXEC;
	struct stat st;

	if (r->fd < 0)
		return 0;
	/* What the build makes is in the build directory and, for a moment, in /tmp. */
	if (writable && stat(path, &st) == 0 && stat_is_same(&st, &r->dir))
		events |= FAN_OPEN;
	/* A mount whose place was removed is out of reach. */
	if (fanotify_mark(r->fd, FAN_MARK_ADD | FAN_MARK_MOUNT, events, AT_FDCWD, path) <
			0 &&
		errno != ENOENT && errno != ENOTDIR)
		return -errno;
	return 0;
}

/* Whether the file is on a mount that the build can write to. */
static bool is_writable(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY);
}

/* Whether a program of the system only compiles what it reads. */
static bool only_compiles(const char *path)
{
	static const char *const names[] = {"cc1", "clang", "fixdep", "modpost"};
	const char *name = path_base(path);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		/* clang-16 */
		if (has_prefix(name, names[i]) &&
			(!name[n] || (name[n] == '-' && name[n + 1] &&
					     !name[n + 1 + strspn(name + n + 1,
								  "0123456789.")])))
			return true;
	}
	return false;
}

/* A process has begun to execute a file of the system. The kernel also reports the
 * dynamic loader, which it opens after the program itself. */
static void start_program(struct readers *r, pid_t pid, const char *path)
{
	size_t slot = (size_t)pid % PROCESSES;

	if (has_prefix(path_base(path), "ld-linux") || has_prefix(path_base(path), "ld.so"))
		return;
	r->n_started++;
	if (only_compiles(path)) {
		r->compilers[slot].pid = pid;
		r->compilers[slot].age = r->n_started;
	} else if (r->compilers[slot].pid == pid) {
		r->compilers[slot].pid = 0;
	}
}

static bool is_compiler(const struct readers *r, pid_t pid)
{
	size_t slot = (size_t)pid % PROCESSES;

	return r->compilers[slot].pid == pid &&
	       r->n_started - r->compilers[slot].age < PROCESSES;
}

/* A file was opened, or executed, that was not there when make began. */
static void note_other(struct readers *r, const struct fanotify_event_metadata *e)
{
	_cleanup_free_ char *link = xasprintf("/proc/self/fd/%d", e->fd);
	_cleanup_free_ char *path = NULL;
	bool executed = e->mask & FAN_OPEN_EXEC;
	static const char deleted[] = " (deleted)";

	if (link_read(link, &path) < 0) {
		r->all = true;
		return;
	}
	if (executed && !is_writable(e->fd)) {
		start_program(r, e->pid, path);
		return;
	}
	if (has_suffix(path, deleted))
		path[strlen(path) - strlen(deleted)] = '\0';
	if (has_suffix(path, ".tmp"))
		path[strlen(path) - strlen(".tmp")] = '\0';
	r->all = r->all || executed ||
		 !(readers_is_kbuild_product(path) || is_try(path));
}

static void note_event(struct readers *r, const struct fanotify_event_metadata *e)
{
	struct watched key = {0}, *file;
	struct stat st;

	if (e->vers != FANOTIFY_METADATA_VERSION || e->mask & FAN_Q_OVERFLOW ||
		e->fd < 0 || fstat(e->fd, &st) < 0) {
		r->all = true;
		return;
	}
	key.dev = st.st_dev;
	key.ino = st.st_ino;
	file = r->n ? bsearch(&key, r->files, r->n, sizeof(key), compare_files) : NULL;
	if (!file && S_ISREG(st.st_mode))
		note_other(r, e);
	else if (file && (e->mask & FAN_OPEN_EXEC || !file->is_source ||
				 !is_compiler(r, e->pid)))
		file->read = true;
}

void readers_read(struct readers *r)
{
	/* There is room for one event. If there were more and the kernel could not open
	 * the file of any but the first one, it would not tell. */
	struct fanotify_event_metadata event;

	while (r->fd >= 0) {
		ssize_t n = read(r->fd, &event, sizeof(event));

		if (n == sizeof(event)) {
			note_event(r, &event);
			if (event.fd >= 0)
				close(event.fd);
		} else if (n < 0 && errno == EAGAIN) {
			return;
		} else if (n >= 0 || errno != EINTR) {
			/* After an error, the kernel goes on with the next event. */
			r->all = true;
			if (n >= 0 || errno == EBADF || errno == EINVAL)
				return;
		}
	}
}

void readers_stop(struct readers *r)
{
	readers_read(r);
	close_ptr(&r->fd);
	r->fd = -1;
}

void readers_fail(struct readers *r)
{
	r->all = true;
}

void readers_list(const struct readers *r, struct strv *ret)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->all || r->files[i].read)
			strv_push(ret, r->files[i].name);
}
