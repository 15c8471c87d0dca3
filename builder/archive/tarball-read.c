/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a tarball: unpacks it, and finds its dkms.conf and its kernels. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/tree/tree.h"
#include "builder/archive/tarball-read.h"
#include "builder/archive/unpack.h"

#define CONF "dkms.conf"

static int open_archive(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_set(err, -ENOENT, 2, "there is no archive %s", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, -errno, 1, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, 2, "%s is not a regular file", path);
	return take_fd(&fd);
}

static size_t depth_of(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static int set_two_confs_error(
	const char *path, const char *a, const char *b, struct error *err)
{
	error_set(err, -EINVAL, 7, "%s has two dkms.conf: %s and %s", path, a, b);
	error_remedy(err, "unpack it, then: dkms add DIRECTORY");
	return -EINVAL;
}

/* Sets *ret to the dkms.conf of a tarball that mktarball made. */
static int choose_conf_of_dkms(
	const char *path, const struct unpacked *u, const char **ret, struct error *err)
{
	static const char source[] = "dkms_source_tree/" CONF;
	static const char binaries[] = "dkms_binaries_only/" CONF;
	bool has_source = strv_contains(&u->conf_paths, source);
	bool has_binaries = strv_contains(&u->conf_paths, binaries);

	if (has_source && has_binaries)
		return set_two_confs_error(path, source, binaries, err);
	if (!has_source && !has_binaries)
		return error_set(err, -ENOENT, 7,
			"%s has a dkms_main_tree, but no %s and no %s", path, source,
			binaries);
	*ret = has_source ? source : binaries;
	return 0;
}

/* Sets *ret to the topmost dkms.conf of any other archive. There may be others in
 * directories below it, where they are part of the source, but nowhere else. */
static int choose_topmost_conf(
	const char *path, const struct unpacked *u, const char **ret, struct error *err)
{
	const char *best = NULL;
	_cleanup_free_ char *root = NULL;

	for (size_t i = 0; i < u->conf_paths.n; i++)
		if (!best || depth_of(u->conf_paths.items[i]) < depth_of(best))
			best = u->conf_paths.items[i];
	if (!best)
		return error_set(err, -ENOENT, 3, "%s has no dkms.conf", path);
	root = path_parent(best);
	for (size_t i = 0; i < u->conf_paths.n; i++)
		if (!path_relative_to(u->conf_paths.items[i], root))
			return set_two_confs_error(
				path, best, u->conf_paths.items[i], err);
	*ret = best;
	return 0;
}

/* Finds the directories RELEASE/ARCH that hold modules; warns of those that hold none. */
static int find_kernels(const char *path, struct tarball *t, struct error *err)
{
	_cleanup_(strv_done) struct strv releases = {0};
	int r = dir_list(t->main_tree, &releases);

	for (size_t i = 0; i < releases.n && r == 0; i++) {
		_cleanup_free_ char *dir = path_join(t->main_tree, releases.items[i]);
		_cleanup_(strv_done) struct strv archs = {0};

		if (!path_is_dir(dir))
			continue;
		r = dir_list(dir, &archs);
		for (size_t j = 0; j < archs.n && r == 0; j++) {
			const char *release = releases.items[i], *arch = archs.items[j];
			_cleanup_free_ char *modules =
				xasprintf("%s/%s/module", dir, arch);

			if (path_is_dir(modules))
				kernel_names_push(&t->kernels, release, arch);
			else
				strv_pushf(&t->warnings, "%s has no modules for %s/%s",
					path, release, arch);
		}
	}
	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", t->main_tree);
	return 0;
}

/* Checks the names of kernel releases and architectures by the rules of the dkms tree.
 * The archive is refused if one of them breaks a rule. */
static int check_kernel_names(
	const char *path, const struct tarball *t, struct error *err)
{
	for (size_t i = 0; i < t->kernels.n; i++) {
		const struct kernel_name *kernel = &t->kernels.items[i];
		struct error why = {0};

		if (tree_check_new_kernel(kernel->release, kernel->arch, &why) < 0) {
			int r = error_set(
				err, -EINVAL, 3, "%s is refused: %s", path, why.what);

			error_done(&why);
			return r;
		}
	}
	return 0;
}

/* Refuses links beside the modules: once they are moved into the dkms tree, they would
 * lead to another place. */
static int check_no_links(const char *path, const struct unpacked *u, struct error *err)
{
	for (size_t i = 0; i < u->n_links; i++)
		if (path_relative_to(u->links[i].path, "dkms_main_tree"))
			return error_set(err, -EPERM, 3, "%s is refused: %s is a link",
				path, u->links[i].path);
	return 0;
}

static int read_unpacked(const char *path, const char *dir, const struct unpacked *u,
	struct tarball *t, struct error *err)
{
	_cleanup_free_ char *main_tree = path_join(dir, "dkms_main_tree");
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *root = NULL;
	const char *conf = NULL;
	int r;

	r = check_no_links(path, u, err);
	if (r < 0)
		return r;
	t->made_by_dkms = path_is_dir(main_tree);
	r = t->made_by_dkms ? choose_conf_of_dkms(path, u, &conf, err)
			    : choose_topmost_conf(path, u, &conf, err);
	if (r < 0)
		return r;
	file = path_join(dir, conf);
	if (!path_is_file(file))
		return error_set(
			err, -EINVAL, 7, "%s is refused: %s is a link", path, conf);
	root = path_parent(conf);
	r = unpack_make_links(u, path, dir, root, err);
	if (r < 0)
		return r;
	t->source = *root ? path_join(dir, root) : xstrdup(dir);
	if (!t->made_by_dkms)
		return 0;
	t->binaries_only = streq(root, "dkms_binaries_only");
	t->main_tree = TAKE_PTR(main_tree);
	r = find_kernels(path, t, err);
	return r == 0 ? check_kernel_names(path, t, err) : r;
}

int tarball_read(const char *path, const char *dir, const int *cancelled,
	struct tarball *ret, struct error *err)
{
	_cleanup_close_ int fd = open_archive(path, err);
	struct unpacked u = {0};
	struct tarball t = {0};
	int r = fd < 0 ? fd : unpack_archive(fd, path, dir, cancelled, &u, err);

	if (r == 0)
		r = read_unpacked(path, dir, &u, &t, err);
	unpacked_done(&u);
	if (r < 0)
		tarball_done(&t);
	else
		*ret = t;
	return r;
}

void tarball_done(struct tarball *t)
{
	free(t->source);
	free(t->main_tree);
	kernel_names_done(&t->kernels);
	strv_done(&t->warnings);
	*t = (struct tarball){0};
}
