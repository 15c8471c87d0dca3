/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies directories. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/dir-copy.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/walk.h"


static int copy_link(int from, int to, const char *name, uid_t uid, gid_t gid)
{
	_cleanup_free_ char *target = xcalloc(PATH_MAX, 1);
	ssize_t n = readlinkat(from, name, target, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	if (symlinkat(target, to, name) < 0)
		return -errno;
	if (uid != (uid_t)-1 && fchownat(to, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

/* The directories whose content is being copied. */
struct copied_dirs {
	struct dir_stack copies;
	struct stat *from; /* what stat(2) said of the original of each */
	size_t room;
	bool guarded; /* by guard; what follows is unused otherwise */
	struct read_guard guard;
	bool by_others; /* others can change something that was copied */
	char *refused;  /* the file that the guard has not let pass, or NULL */
};

static void copied_dirs_done(struct copied_dirs *d)
{
	dir_stack_done(&d->copies);
	free(d->from);
	free(d->refused);
}

/* Copies the file of the walk to the same name in the directory to. */
static int copy_file(const struct walk_entry *e, int to, struct copied_dirs *dirs, uid_t uid,
	gid_t gid)
{
	mode_t mode;
	_cleanup_close_ int from = file_open_at(e->parent, e->name, &mode);
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return from < 0 ? from : -errno;
	dirs->by_others |= guard_is_of_others(&st);
	if (dirs->guarded && !guard_allows(&dirs->guard, &dirs->from[dirs->copies.n - 1], &st)) {
		dirs->refused = xstrdup(e->path);
		return -EPERM;
	}
	return file_copy_at(from, to, e->name, uid, gid, mode, false);
}

/* Makes the directory name in to_parent, for the content of the directory that from is
 * open on. */
static int begin_dir(int from, int to_parent, const char *name, struct copied_dirs *dirs)
{
	size_t n = dirs->copies.n;
	int fd;

	if (n == dirs->room) {
		dirs->room = 2 * dirs->room + 8;
		dirs->from = xrealloc_array(dirs->from, dirs->room, sizeof(*dirs->from));
	}
	if (fstat(from, &dirs->from[n]) < 0 || mkdirat(to_parent, name, 0700) < 0)
		return -errno;
	dirs->by_others |= guard_is_of_others(&dirs->from[n]);
	fd = openat(to_parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : dir_stack_push(&dirs->copies, fd);
}

/* Sets the owner, mode and times of the deepest copy, after its content, which would
 * change the times, and leaves it. */
static int finish_dir(struct copied_dirs *dirs, uid_t uid, gid_t gid)
{
	const struct stat *from = &dirs->from[dirs->copies.n - 1];
	int fd = dir_stack_fd(&dirs->copies);

	if ((uid != (uid_t)-1 && fchown(fd, uid, gid) < 0) ||
		fchmod(fd, (from->st_mode & FILE_COPIED_MODE) | 0700) < 0 ||
		futimens(fd, (struct timespec[2]){from->st_atim, from->st_mtim}) < 0)
		return -errno;
	return dir_stack_pop(&dirs->copies);
}

/* Copies all entries of the walk to the deepest directory of dirs. */
static int copy_walk(struct walk *w, struct copied_dirs *dirs, uid_t uid, gid_t gid)
{
	const struct walk_entry *e;
	int r = 0;

	while (r == 0 && (e = walk_next(w))) {
		int to = dir_stack_fd(&dirs->copies);

		if (e->error)
			r = e->error;
		else if (e->leaving)
			r = finish_dir(dirs, uid, gid);
		else if (e->type == DT_DIR)
			r = begin_dir(e->fd, to, e->name, dirs);
		else if (e->type == DT_REG)
			r = copy_file(e, to, dirs, uid, gid);
		else if (e->type == DT_LNK)
			r = copy_link(e->parent, to, e->name, uid, gid);
	}
	return r;
}

/* Copies the directory that fd is open on, and closes fd. */
static int copy_dir(int fd, const char *to, struct copied_dirs *dirs, uid_t uid, gid_t gid)
{
	_cleanup_(walk_done) struct walk w = {0};
	int r = begin_dir(fd, AT_FDCWD, to, dirs);

	if (r == 0)
		r = walk_begin_at(&w, take_fd(&fd), WALK_LEAVE);
	if (r == 0)
		r = copy_walk(&w, dirs, uid, gid);
	if (r == 0)
		r = finish_dir(dirs, uid, gid);
	close_ptr(&fd);
	return r;
}

/* Returns whether path is dir or below it, with all links resolved. */
static bool is_inside(const char *path, const char *dir)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_free_ char *real_dir = realpath(dir, NULL);

	if (!real || !real_dir)
		return false;
	return streq(real_dir, "/") || path_is_in(real, real_dir);
}

/* Sets the error for what the guard has not let pass. */
static int refuse(const struct copied_dirs *dirs, const char *from, struct error *err)
{
	_cleanup_free_ char *what = dirs->refused ? path_join(from, dirs->refused) : xstrdup(from);

	text_mask_controls(what);
	error_set(err, -EPERM, 1,
		"cannot copy %s: others than root decide what is there, and it is neither "
		"readable by all nor the owner's",
		what);
	error_remedy(err, "chmod -R go+rX %s, if others may read it", from);
	return -EPERM;
}

static int copy(const char *from, const char *to, struct copied_dirs *dirs, uid_t uid,
	gid_t gid, struct error *err)
{
	_cleanup_free_ char *parent = path_parent(to);
	int fd, r;

	/* The copy would be copied, too, without end. */
	if (is_inside(*parent ? parent : ".", from))
		return error_set(
			err, -ELOOP, 1, "cannot copy %s into itself, to %s", from, to);
	fd = dirs->guarded ? guard_open(from, O_RDONLY | O_DIRECTORY, &dirs->guard)
			   : dir_open_at(AT_FDCWD, from);
	if (dirs->guarded && fd == -EPERM)
		return refuse(dirs, from, err);
	r = fd < 0 ? fd : copy_dir(fd, to, dirs, uid, gid);
	if (r < 0 && dirs->refused)
		return refuse(dirs, from, err);
	return r < 0 ? error_errno(err, r, 1, "cannot copy %s to %s", from, to) : 0;
}

int dir_copy(const char *from, const char *to, uid_t uid, gid_t gid, struct error *err)
{
	_cleanup_(copied_dirs_done) struct copied_dirs dirs = {0};

	return copy(from, to, &dirs, uid, gid, err);
}

int dir_copy_guarded(const char *from, const char *to, uid_t uid, gid_t gid,
	bool *ret_by_others, struct error *err)
{
	_cleanup_(copied_dirs_done) struct copied_dirs dirs = {.guarded = true};
	int r = copy(from, to, &dirs, uid, gid, err);

	if (ret_by_others)
		*ret_by_others = dirs.by_others || dirs.guard.active;
	return r;
}
