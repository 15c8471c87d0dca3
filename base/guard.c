/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For whom does root read? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"
#include "base/guard.h"

#define LINKS_MAX 40 /* as in the kernel */
/* The owner of files whose user has no number in the user namespace of dkms. */
#define OVERFLOW_UID 65534

/* Whether this is not the first user namespace, so that root outside of it has no number. */
static bool is_in_namespace(void)
{
	_cleanup_(str_done) struct str map = {0};
	unsigned long inside, outside, n;

	return file_read("/proc/self/uid_map", 4096, &map, NULL) == 0 && map.data &&
	       (sscanf(map.data, "%lu %lu %lu", &inside, &outside, &n) != 3 || inside ||
		       outside || n < 4294967295ul);
}

bool guard_is_of_root(const struct stat *st)
{
	return st->st_uid == 0 || (st->st_uid == OVERFLOW_UID && is_in_namespace());
}

bool guard_is_of_others(const struct stat *st)
{
	return !guard_is_of_root(st) ||
	       (!S_ISLNK(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH));
}

void guard_enter(struct read_guard *g, const struct stat *st)
{
	uid_t owner = guard_is_of_root(st) ? 0 : st->st_uid;

	if (geteuid() != 0 || !guard_is_of_others(st))
		return;
	if (g->active && g->owner && owner && owner != g->owner)
		g->several = true;
	if (!g->active || !g->owner)
		g->owner = owner;
	g->active = true;
}

bool guard_is_of_owner(const struct read_guard *g, const struct stat *st)
{
	return g->active && g->owner && !g->several && st->st_uid == g->owner;
}

/* Whether all may use what st describes, in all the ways that are in mode, or it is the
 * user's own. A second name of a file of root's may have been made by anybody. */
static bool is_allowed(const struct read_guard *g, const struct stat *st, mode_t mode)
{
	if (!g->active || (st->st_mode & mode) == mode)
		return true;
	return !g->several && st->st_uid == g->owner &&
	       (g->owner || !S_ISREG(st->st_mode) || st->st_nlink == 1);
}

static mode_t read_mode(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
}

bool guard_allows(
	const struct read_guard *guard, const struct stat *dir, const struct stat *st)
{
	struct read_guard here = *guard;

	guard_enter(&here, dir);
	return is_allowed(&here, st, read_mode(st));
}

/* A path that is being followed. */
struct lookup {
	int at;     /* the directory that has been reached */
	bool sticky; /* it is one such as /tmp: each user can replace what is his own */
	char *rest; /* of the path, from there */
	int links;  /* how many were followed */
	struct read_guard guard;
};

/* To be called for each entry of the directory that has been reached. */
static void note_exchangeable(struct lookup *l, const struct stat *st)
{
	if (l->guard.active || (l->sticky && geteuid() == 0 && !guard_is_of_root(st)))
		l->guard.exchangeable = true;
}

/* Puts the target of the link that fd is open on before the rest of the path. */
static int follow(struct lookup *l, int fd, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	char *rest;

	if (n < 0)
		return -errno;
	if (++l->links > LINKS_MAX)
		return -ELOOP;
	target[n] = '\0';
	note_exchangeable(l, st);
	/* A second name of somebody else's link may have been made by anybody. */
	if (l->guard.active && st->st_nlink > 1)
		l->guard.by_link = l->guard.several = true;
	guard_enter(&l->guard, st);
	l->guard.by_link |= l->guard.active && guard_is_of_others(st);
	rest = xasprintf("%s/%s", target, l->rest);
	free(l->rest);
	l->rest = rest;
	if (*target != '/')
		return 0;
	close_ptr(&l->at);
	l->sticky = false;
	l->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return l->at < 0 ? -errno : 0;
}

/* Goes to the directory that fd is open on. In a directory such as /tmp, each user can
 * replace only what is his own. */
static int go_to(struct lookup *l, int *fd, const struct stat *st)
{
	struct stat dir = *st;

	note_exchangeable(l, st);
	if (!is_allowed(&l->guard, st, S_IXOTH))
		return -EPERM;
	l->sticky = dir.st_mode & S_ISVTX && dir.st_mode & (S_IWGRP | S_IWOTH);
	if (l->sticky)
		dir.st_mode &= ~(mode_t)(S_IWGRP | S_IWOTH);
	guard_enter(&l->guard, &dir);
	close_ptr(&l->at);
	l->at = take_fd(fd);
	return 0;
}

/* Takes the first component from the rest of the path. Returns 1 if it is the last one and
 * a file: then ret has its name. Returns 0 otherwise, or a negative errno. */
static int step(struct lookup *l, char *ret)
{
	_cleanup_close_ int fd = -1;
	size_t skip = strspn(l->rest, "/"), n = strcspn(l->rest + skip, "/");
	struct stat st;

	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(ret, l->rest + skip, n);
	ret[n] = '\0';
	memmove(l->rest, l->rest + skip + n, strlen(l->rest + skip + n) + 1);
	fd = openat(l->at, n ? ret : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return follow(l, fd, &st);
	if (S_ISDIR(st.st_mode))
		return go_to(l, &fd, &st);
	note_exchangeable(l, &st);
	return l->rest[strspn(l->rest, "/")] ? -ENOTDIR : 1;
}

/* Does what guard_open() does, from the guard on that is there. */
static int open_guarded(const char *path, int flags, struct read_guard *guard, struct stat *st)
{
	struct lookup l = {.rest = path_absolute(path), .guard = *guard};
	char name[NAME_MAX + 1];
	_cleanup_close_ int fd = -1;
	int r = 0;

	l.at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l.at < 0)
		r = -errno;
	while (r == 0 && *l.rest)
		r = step(&l, name);
	if (r >= 0) {
		fd = openat(l.at, r ? name : ".", flags | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 || fstat(fd, st) < 0 ? -errno : 0;
	}
	/* With O_PATH, a link that has come in the meantime is opened itself. */
	if (r == 0 && S_ISLNK(st->st_mode))
		r = -ELOOP;
	if (r == 0 && !is_allowed(&l.guard, st, read_mode(st)))
		r = -EPERM;
	*guard = l.guard;
	close_ptr(&l.at);
	free(l.rest);
	return r < 0 ? r : take_fd(&fd);
}

int guard_open(const char *path, int flags, struct read_guard *ret)
{
	struct stat st;

	*ret = (struct read_guard){0};
	return open_guarded(path, flags, ret, &st);
}

int guard_open_file(const char *path, struct read_guard *ret, struct stat *st)
{
	_cleanup_close_ int fd = -1;

	*ret = (struct read_guard){0};
	fd = open_guarded(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, ret, st);
	if (fd >= 0 && !S_ISREG(st->st_mode))
		return -EINVAL;
	return take_fd(&fd);
}

/* Whether all builds see what is at the path, if all may read it. */
static bool is_of_system(const char *real)
{
	return path_is_in(real, "/usr") || path_is_in(real, "/lib");
}

int guard_resolve(const char *path, struct read_guard *guard, char **ret_real)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *real = NULL;
	struct stat st;
	int r = 0;

	guard->by_link = guard->exchangeable = guard->active;
	fd = open_guarded(path, O_PATH, guard, &st);
	if (fd < 0)
		return fd;
	/* One call instead of one for each directory of the path. Without a /proc, only what
	 * nobody can exchange is looked for by its path again. */
	r = link_read(fd_path(fd).path, &real);
	if (r < 0 && !guard->exchangeable && (real = realpath(path, NULL)))
		r = 0;
	if (r < 0)
		return r;
	if (guard->by_link && !guard_is_of_owner(guard, &st) && !is_of_system(real))
		return -EPERM;
	*ret_real = TAKE_PTR(real);
	return take_fd(&fd);
}
