/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which files does a source directory differ from the copy that was made of it? */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/walk.h"
#include "builder/add/differences.h"

static bool is_version_control(const struct walk_entry *e)
{
	return e->type == DT_DIR && (streq(e->name, ".git") || streq(e->name, ".hg") ||
					    streq(e->name, ".svn") || streq(e->name, ".bzr"));
}

static int same_target(const char *a, const char *b)
{
	_cleanup_free_ char *target_a = NULL, *target_b = NULL;
	int r = link_read(a, &target_a);

	if (r == 0)
		r = link_read(b, &target_b);
	return r < 0 ? r : streq(target_a, target_b);
}

/* Returns 1 if the entries at both paths are the same, 0 if not, also if b does not exist. */
static int is_same(const char *a, const char *b)
{
	struct stat st_a, st_b;

	if (lstat(a, &st_a) < 0)
		return -errno;
	if (lstat(b, &st_b) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if ((st_a.st_mode ^ st_b.st_mode) & S_IFMT)
		return 0;
	if (S_ISLNK(st_a.st_mode))
		return same_target(a, b);
	if (!S_ISREG(st_a.st_mode))
		return 1;
	if (((st_a.st_mode ^ st_b.st_mode) & S_IXUSR) || st_a.st_size != st_b.st_size)
		return 0;
	return file_same_bytes(a, b);
}

/* Appends what is in from and not the same in copy; with only_missing, what is not in copy. */
static int compare(const char *from, const char *copy, bool only_missing, struct strv *ret,
	struct error *err)
{
	_cleanup_(walk_done) struct walk w = {0};
	const struct walk_entry *e;
	int r = walk_begin(&w, from, WALK_SORTED);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", from);
	while (r >= 0 && (e = walk_next(&w))) {
		_cleanup_free_ char *a = path_join(from, e->path);
		_cleanup_free_ char *b = path_join(copy, e->path);
		bool is_dir = e->type == DT_DIR;

		if (is_version_control(e)) {
			walk_skip(&w);
			continue;
		}
		r = e->error ? e->error : only_missing ? path_look(b) : is_same(a, b);
		if (r < 0)
			return error_errno(err, r, 1, "cannot compare %s with %s", a, b);
		if (r == 0)
			strv_push(ret, e->path);
		if (r == 0 && is_dir)
			walk_skip(&w);
	}
	return 0;
}

int differences_list(const char *from, const char *copy, bool extra, struct strv *ret,
	struct error *err)
{
	int r = compare(from, copy, false, ret, err);

	if (r == 0 && extra)
		r = compare(copy, from, true, ret, err);
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
