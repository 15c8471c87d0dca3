/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does the dkms tree change? By renames only: files that are being prepared or
 * removed are in a directory whose name begins with TREE_STAGE, which readers ignore; see
 * base/staging.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/staging.h"
#include "builder/tree/installed-files.h"
#include "builder/tree/leftovers.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"

/* POST_ADD has not run to its end. */
#define ADD_MARK ".post-add"

/* A temporary link of this age (seconds) was left behind by link_write(), which needs it
 * for microseconds. */
#define LINK_LEFTOVER_AGE 60

static void remove_old_link(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
		time(NULL) - st.st_ctime > LINK_LEFTOVER_AGE)
		unlink(path);
}

/* Removes what killed processes left in a directory. Ignores failures. */
static void remove_leftovers(const char *dir)
{
	struct strv names = {0};

	if (dir_list(dir, &names) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (has_prefix(names.items[i], TREE_STAGE))
			staging_remove_leftover(path);
		else if (has_prefix(names.items[i], ".source.") ||
			 has_prefix(names.items[i], "." TREE_LINK_PREFIX))
			remove_old_link(path);
	}
	strv_done(&names);
}

/* Removes a temporary directory. What stays is removed by the next command. */
static void remove_stage(const char *dkms_tree, const char *stage)
{
	if (dir_remove(stage, NULL) < 0)
		leftovers_expect(dkms_tree);
}

/* Moves path by one rename into a temporary directory in dir, then removes it. Returns 0
 * if it does not exist. */
static int remove_by_rename(const char *dkms_tree, const char *path, const char *dir,
	struct error *err)
{
	_cleanup_free_ char *stage = NULL;
	_cleanup_free_ char *away = NULL;
	_cleanup_close_ int lock = -1;
	int r = path_look(path);

	if (r < 0)
		return error_errno(err, r, 1, "cannot remove %s", path);
	if (r == 0)
		return 0;
	r = staging_make(dir, TREE_STAGE, &stage, &lock, err);
	if (r < 0)
		return r;
	away = path_join(stage, "old");
	if (rename(path, away) == 0) {
		r = 0;
	} else if (errno == EXDEV) {
		/* An overlay file system cannot rename a directory of a lower layer. */
		r = dir_remove(path, err);
	} else if (errno != ENOENT) {
		r = error_errno(err, -errno, 1, "cannot remove %s", path);
	}
	remove_stage(dkms_tree, stage);
	return r;
}

static int check_names(struct version_on_kernel on, struct error *err)
{
	int r = tree_check_name("module name", on.name, err);

	if (r == 0)
		r = tree_check_name("module version", on.version, err);
	if (r == 0 && on.release)
		r = tree_check_release(on.release, err);
	if (r == 0 && on.arch)
		r = tree_check_name("architecture", on.arch, err);
	return r;
}

static int check_version(const char *name, const char *version, struct error *err)
{
	int r = tree_check_name("module name", name, err);

	return r < 0 ? r : tree_check_version(version, err);
}

static int fail_already_added(const char *name, const char *version, struct error *err)
{
	return error_set(err, -EEXIST, 3, "%s/%s is already added", name, version);
}

int tree_stage_version(const char *dkms_tree, const char *name, const char *version,
	char **ret_stage, int *ret_lock, struct error *err)
{
	_cleanup_free_ char *name_dir = path_join(dkms_tree, name);
	int r = check_version(name, version, err);

	if (r < 0)
		return r;
	remove_leftovers(name_dir);
	r = dir_make(name_dir, err);
	if (r == 0)
		r = staging_make(name_dir, TREE_STAGE, ret_stage, ret_lock, err);
	if (r < 0)
		rmdir(name_dir);
	return r;
}

int tree_add_staged(const char *dkms_tree, const char *name, const char *version,
	const char *source, const char *stage, struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *staged = path_join(stage, "source");
	int r = link_write(staged, source, err);

	if (r == 0 && chmod(stage, 0755) < 0)
		r = error_errno(err, -errno, 1, "cannot change the mode of %s", stage);
	if (r == 0) {
		r = dir_sync(stage);
		if (r < 0)
			error_errno(err, r, 1, "cannot write %s", stage);
	}
	if (r == 0 && rename(stage, dir) < 0) {
		if (errno == EEXIST || errno == ENOTEMPTY)
			return fail_already_added(name, version, err);
		r = error_errno(err, -errno, 1, "cannot make %s", dir);
	}
	return r;
}

void tree_remove_stage(const char *dkms_tree, const char *name, const char *stage)
{
	_cleanup_free_ char *name_dir = path_join(dkms_tree, name);

	remove_stage(dkms_tree, stage);
	rmdir(name_dir);
}

/* Makes the mark of TREE_ADD_MARK in a directory of a version. */
static int make_add_mark(const char *dir, struct error *err)
{
	_cleanup_free_ char *path = path_join(dir, ADD_MARK);

	return file_write(path, "", 0, 0644, err);
}

/* Makes or repairs the link of a version whose directory exists. */
static int repair_version(
	const char *dir, const char *source, bool mark, struct error *err)
{
	_cleanup_free_ char *link = path_join(dir, "source");
	_cleanup_free_ char *path = path_join(dir, ADD_MARK);
	int r = mark ? make_add_mark(dir, err) : 0;

	if (r == 0)
		r = link_write(link, source, err);
	if (r < 0 && mark)
		unlink(path);
	return r;
}

int tree_add(const char *dkms_tree, const char *name, const char *version,
	const char *source, enum tree_add_flags flags, struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *link = path_join(dir, "source");
	_cleanup_free_ char *stage = NULL;
	_cleanup_close_ int lock = -1;
	struct stat st;
	int r = check_version(name, version, err);

	if (r < 0)
		return r;
	if (lstat(link, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(err, -ENOTEMPTY, 3,
			"%s is a directory, but should be a link to the source; move it "
			"away",
			link);
	if (!(flags & TREE_ADD_REPAIR) && path_is_dir(link))
		return fail_already_added(name, version, err);
	if (lstat(dir, &st) == 0)
		return repair_version(dir, source, flags & TREE_ADD_MARK, err);
	r = tree_stage_version(dkms_tree, name, version, &stage, &lock, err);
	if (r < 0)
		return r;
	if (flags & TREE_ADD_MARK)
		r = make_add_mark(stage, err);
	if (r == 0)
		r = tree_add_staged(dkms_tree, name, version, source, stage, err);
	if (r < 0)
		tree_remove_stage(dkms_tree, name, stage);
	return r;
}

bool tree_has_add_mark(const char *dkms_tree, const char *name, const char *version)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *path = path_join(dir, ADD_MARK);

	return path_exists(path);
}

int tree_remove_add_mark(const char *dkms_tree, const char *name, const char *version,
	struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *path = path_join(dir, ADD_MARK);

	if (unlink(path) < 0 && errno != ENOENT)
		return error_errno(err, -errno, 1, "cannot remove %s", path);
	return 0;
}

/* Removes the links that say that a version is installed. */
static int remove_links_to(const char *name_dir, const char *version, struct error *err)
{
	_cleanup_free_ char *prefix = xasprintf("%s/", version);
	struct strv names = {0};
	int r = dir_list(name_dir, &names);

	if (r == -ENOENT)
		r = 0;
	else if (r < 0)
		error_errno(err, r, 1, "cannot read %s", name_dir);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *path = path_join(name_dir, names.items[i]);
		_cleanup_free_ char *target = NULL;

		if (has_prefix(names.items[i], TREE_LINK_PREFIX) &&
			link_read(path, &target) == 0 && has_prefix(target, prefix) &&
			unlink(path) < 0)
			r = error_errno(err, -errno, 1, "cannot remove %s", path);
	}
	strv_done(&names);
	return r;
}

int tree_forget(
	const char *dkms_tree, const char *name, const char *version, struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	_cleanup_free_ char *name_dir = path_join(dkms_tree, name);
	_cleanup_free_ char *originals = path_join(name_dir, TREE_ORIGINALS);
	int r = check_names(version_on_kernel(name, version, NULL, NULL), err);

	if (r < 0)
		return r;
	r = remove_links_to(name_dir, version, err);
	if (r == 0)
		r = remove_by_rename(dkms_tree, dir, name_dir, err);
	if (r < 0)
		return r;
	remove_leftovers(name_dir);
	installed_files_remove_stray(name_dir);
	rmdir(originals);
	/* The version is gone, so it is no failure if an empty directory stays. */
	if (rmdir(name_dir) < 0 && errno != ENOENT && errno != ENOTEMPTY &&
		errno != EEXIST)
		leftovers_expect(dkms_tree);
	return 0;
}

int tree_stage_build(const char *dkms_tree, const char *name, const char *version,
	char **ret_path, int *ret_lock, struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, name, version);
	int r = check_names(version_on_kernel(name, version, NULL, NULL), err);

	if (r < 0)
		return r;
	remove_leftovers(dir);
	return staging_make(dir, TREE_STAGE, ret_path, ret_lock, err);
}

/* From this number of files on, one syncfs() is faster than an fsync() of each. Each
 * fsync() waits until the disk has flushed its cache. syncfs() waits once, but also
 * writes the unwritten data of other processes, such as the objects of other builds. For
 * 32 files on a busy disk, syncfs() takes 4 to 50 ms and fsync() 40 to 250 ms. */
#define SYNCFS_FILES 5

/* Writes a directory and the files in it to disk. */
static int sync_files(const char *dir, struct error *err)
{
	_cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(strv_done) struct strv names = {0};
	int r;

	if (dir_fd < 0)
		return error_errno(err, -errno, 1, "cannot open %s", dir);
	r = dir_list(dir, &names);
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", dir);
	if (names.n >= SYNCFS_FILES) {
		if (syncfs(dir_fd) < 0)
			return error_errno(err, -errno, 1, "cannot write %s", dir);
		return 0;
	}
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_close_ int fd = openat(dir_fd, names.items[i],
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 && fsync(fd) < 0)
			return error_errno(err, -errno, 1, "cannot write %s/%s", dir,
				names.items[i]);
	}
	if (fsync(dir_fd) < 0)
		return error_errno(err, -errno, 1, "cannot write %s", dir);
	return 0;
}

/* Writes the names in a directory to disk. It need not exist. */
static int sync_names(const char *dir, struct error *err)
{
	int r = dir_sync(dir);

	return r == 0 || r == -ENOENT ? 0 : error_errno(err, r, 1, "cannot write %s", dir);
}

/* Moves the directory from to to. If to exists, the two are exchanged and the old one is
 * removed. On a file system without exchange the old one is removed first, so that there
 * is none for a moment. */
static int replace_dir(const char *dkms_tree, const char *from, const char *to,
	const char *stage_dir, struct error *err)
{
	int r = 0;

	if (rename(from, to) == 0)
		return 0;
	if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
		return error_errno(err, -errno, 1, "cannot move %s to %s", from, to);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0) {
		remove_stage(dkms_tree, from);
		return 0;
	}
	r = remove_by_rename(dkms_tree, to, stage_dir, err);
	if (r == 0 && rename(from, to) < 0)
		r = error_errno(err, -errno, 1, "cannot move %s to %s", from, to);
	return r;
}

int tree_publish(const char *dkms_tree, struct version_on_kernel on, const char *finished,
	struct error *err)
{
	_cleanup_free_ char *name_dir = path_join(dkms_tree, on.name);
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, on.name, on.version);
	_cleanup_free_ char *release_dir = path_join(dir, on.release);
	_cleanup_free_ char *built = path_join(release_dir, on.arch);
	_cleanup_free_ char *modules = path_join(finished, "module");
	_cleanup_free_ char *log = path_join(finished, "log");
	int r = check_names(on, err);

	if (r < 0)
		return r;
	if (chmod(finished, 0755) < 0)
		return error_errno(
			err, -errno, 1, "cannot change the mode of %s", finished);
	r = sync_files(modules, err);
	/* The provenance and the list of inputs are on disk already, but not their names. */
	if (r == 0)
		r = sync_names(log, err);
	if (r == 0)
		r = sync_names(finished, err);
	if (r == 0)
		r = dir_make(release_dir, err);
	if (r == 0)
		r = replace_dir(dkms_tree, finished, built, dir, err);
	if (r < 0) {
		rmdir(release_dir);
		return r;
	}
	remove_leftovers(dir);
	remove_leftovers(name_dir);
	return 0;
}

int tree_unpublish(const char *dkms_tree, struct version_on_kernel on, struct error *err)
{
	_cleanup_free_ char *dir = tree_version_dir(dkms_tree, on.name, on.version);
	_cleanup_free_ char *release_dir = path_join(dir, on.release);
	_cleanup_free_ char *built = path_join(release_dir, on.arch);
	int r = check_names(on, err);

	if (r == 0)
		r = remove_by_rename(dkms_tree, built, dir, err);
	if (r == 0)
		rmdir(release_dir); /* fails if it contains another architecture */
	return r;
}

int tree_set_installed(const char *dkms_tree, struct version_on_kernel on, bool installed,
	struct error *err)
{
	_cleanup_free_ char *link = tree_installed_link(dkms_tree, on);
	_cleanup_free_ char *target =
		xasprintf("%s/%s/%s", on.version, on.release, on.arch);
	_cleanup_free_ char *tail = xasprintf("/%s", target);
	_cleanup_free_ char *found = NULL;
	int r = check_names(on, err);

	if (r < 0)
		return r;
	if (installed)
		return link_write(link, target, err);
	r = link_read(link, &found);
	if (r == 0 && !streq(found, target) && !has_suffix(found, tail))
		return 0;
	if (r == 0 && unlink(link) < 0)
		r = -errno;
	if (r < 0 && r != -ENOENT)
		return error_errno(err, r, 1, "cannot remove %s", link);
	return 0;
}
