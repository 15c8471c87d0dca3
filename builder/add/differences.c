/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which files does a source directory differ from the copy that was made of it? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/walk.h"
#include "builder/add/differences.h"

static bool is_version_control(const struct walk_entry *e)
{
	return e->type == DT_DIR && (streq(e->name, ".git") || streq(e->name, ".hg") ||
					    streq(e->name, ".svn") || streq(e->name, ".bzr"));
}

/* The directory of another user may change while root compares it: a part of it may become a link
 * to what he may not read. So everything in it is opened from its descriptor, and a file is read
 * only if its guard lets it pass. */
struct comparison {
	int from; /* the descriptor of the directory */
	struct read_guard guard;
	const char *copy;
	struct strv seen; /* the paths of all entries in from */
	bool refused;
};

static int same_target(const struct walk_entry *e, const char *copy)
{
	_cleanup_free_ char *target = xcalloc(PATH_MAX + 1, 1), *of_copy = NULL;
	ssize_t n = readlinkat(e->parent, e->name, target, PATH_MAX);
	int r = n < 0 ? -errno : link_read(copy, &of_copy);

	return r < 0 ? r : streq(target, of_copy);
}

/* Returns 1 if the regular file of the walk has the bytes of the copy. */
static int same_file(struct comparison *c, const struct walk_entry *e, const char *copy)
{
	struct read_guard guard;
	struct stat dir, st, st_copy;
	mode_t mode;
	_cleanup_close_ int fd = file_open_at(e->parent, e->name, &mode);
	_cleanup_close_ int copy_fd = fd < 0 ? -1 : guard_open_file(copy, &guard, &st_copy);

	if (fd < 0)
		return fd;
	if (copy_fd == -ENOENT || copy_fd == -ENOTDIR || copy_fd == -EINVAL)
		return 0;
	if (fstat(fd, &st) < 0 || fstat(e->parent, &dir) < 0)
		return -errno;
	c->refused = copy_fd == -EPERM || !guard_allows(&c->guard, &dir, &st);
	if (c->refused || copy_fd < 0)
		return c->refused ? -EPERM : copy_fd;
	if (((st.st_mode ^ st_copy.st_mode) & S_IXUSR) || st.st_size != st_copy.st_size)
		return 0;
	return file_same_bytes_fd(fd, copy_fd, st.st_size);
}

/* Returns 1 if the entry of the walk and the one at the path copy are the same, 0 if not, also if
 * there is no copy. */
static int is_same(struct comparison *c, const struct walk_entry *e, const char *copy)
{
	struct stat st;

	if (lstat(copy, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if ((st.st_mode & S_IFMT) != (mode_t)DTTOIF(e->type))
		return 0;
	if (e->type == DT_LNK)
		return same_target(e, copy);
	return e->type == DT_REG ? same_file(c, e, copy) : 1;
}

static int fail(const struct comparison *c, const char *path, int r, struct error *err)
{
	_cleanup_free_ char *what = xstrdup(path);

	text_mask_controls(what);
	if (!c->refused)
		return error_errno(err, r, 1, "cannot compare %s", what);
	error_set(err, r, 1,
		"cannot compare %s: others than root decide what is there, and it is neither "
		"readable by all nor the owner's",
		what);
	error_remedy(err, "chmod -R go+rX there, if others may read it");
	return r;
}

/* Appends what is in the directory and not the same in the copy. */
static int list_changed(
	struct comparison *c, const char *from, struct strv *ret, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin_at(&w, take_fd(&c->from), WALK_SORTED);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", from);
	while ((e = walk_next(&w))) {
		_cleanup_free_ char *copy = path_join(c->copy, e->path);
		_cleanup_free_ char *path = NULL;

		strv_push(&c->seen, e->path);
		if (is_version_control(e)) {
			walk_skip(&w);
			continue;
		}
		r = e->error ? e->error : is_same(c, e, copy);
		if (r < 0) {
			path = path_join(from, e->path);
			return fail(c, path, r, err);
		}
		if (r == 0)
			strv_push(ret, e->path);
		if (r == 0 && e->type == DT_DIR)
			walk_skip(&w);
	}
	return 0;
}

/* Appends what is in the copy only. */
static int list_extra(struct comparison *c, struct strv *ret, struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, c->copy, WALK_SORTED);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", c->copy);
	strv_sort(&c->seen);
	while ((e = walk_next(&w))) {
		if (is_version_control(e)) {
			walk_skip(&w);
			continue;
		}
		if (e->error)
			return error_errno(
				err, e->error, 1, "cannot read %s/%s", c->copy, e->path);
		if (strv_find_sorted(&c->seen, e->path) < c->seen.n)
			continue;
		strv_push(ret, e->path);
		if (e->type == DT_DIR)
			walk_skip(&w);
	}
	return 0;
}

int differences_list(const char *from, const char *copy, bool extra, struct strv *ret,
	struct error *err)
{
	struct comparison c = {.copy = copy};
	int r;

	c.from = guard_open(from, O_RDONLY | O_DIRECTORY, &c.guard);
	c.refused = c.from == -EPERM;
	r = c.from < 0 ? fail(&c, from, c.from, err) : list_changed(&c, from, ret, err);
	if (r == 0 && extra)
		r = list_extra(&c, ret, err);
	strv_done(&c.seen);
	strv_sort(ret);
	return r;
}

char *differences_find_newer(const char *dir, int64_t since_ns)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, dir, WALK_SORTED);

	while (r == 0 && (e = walk_next(&w))) {
		struct stat st;

		if (is_version_control(e))
			walk_skip(&w);
		else if (e->type == DT_REG &&
			 fstatat(e->parent, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 timespec_ns(&st.st_mtim) > since_ns)
			return xstrdup(e->path);
	}
	return NULL;
}
