/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which other package has installed a file, or has replaced it? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/install/ours.h"
#include "builder/install/rivals.h"
#include "builder/tree/installed-files.h"
#include "builder/tree/tree.h"

int rivals_list(const struct job *job, struct strv *ret, struct error *err)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *own = tree_original_dir(tree, job_on_kernel(job));
	_cleanup_(strv_done) struct strv modules = {0};
	bool has_saved = path_look(own) != 0;
	int r = tree_list_modules(tree, &modules);

	if (r < 0)
		return error_errno(err, r, 1, "cannot read %s", tree);
	for (size_t i = 0; i < modules.n; i++) {
		struct version_on_kernel on = job_module_on_kernel(job, modules.items[i]);
		_cleanup_free_ char *link = tree_installed_link(tree, on);
		_cleanup_free_ char *dir = tree_original_dir(tree, on);

		if (!streq(modules.items[i], job->name) && (has_saved || path_look(dir) != 0) &&
			path_look(link) != 0)
			strv_push(ret, modules.items[i]);
	}
	return 0;
}

/* Looks at one package: whether its record, or if it has none, what is built of it, has the file. */
static int claims(const struct job *job, const char *name, const char *path, struct error *err)
{
	const char *tree = job->shared->settings->trees.dkms;
	struct version_on_kernel on = job_module_on_kernel(job, name);
	const char *suffix = compression_suffix(compression_of_file(path));
	const char *below = path + strlen(job->kernel->dir) + 1;
	_cleanup_free_ char *plain = xstrndup(below, strlen(below) - strlen(suffix));
	_cleanup_free_ char *link = tree_installed_link(tree, on);
	_cleanup_free_ char *built = xasprintf("%s/module/%s", link, path_base(path));
	_cleanup_free_ char *target = NULL;
	_cleanup_(installed_files_done) struct installed_files record = {0};
	int r;

	if (link_read(path, &target) == 0)
		return ours_leads_to_tree(job, name, path);
	r = installed_files_read(tree, on, &record, err);
	if (r == 0)
		return file_same_bytes(path, built) == 1;
	for (size_t i = 0; r > 0 && i < record.n; i++)
		if (has_prefix(record.items[i].path, plain))
			return ours_check(job, name, &record, plain, path, built, err);
	return r < 0 ? r : 0;
}

int rivals_claim(const struct job *job, const struct strv *rivals, const char *path, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < rivals->n && r == 0; i++)
		r = claims(job, rivals->items[i], path, err);
	return r;
}

char *rivals_find_successor(const struct job *job, const char *file, const char *built)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_(strv_done) struct strv modules = {0};

	tree_list_modules(tree, &modules);
	for (size_t i = 0; i < modules.n; i++) {
		struct version_on_kernel on = job_module_on_kernel(job, modules.items[i]);
		_cleanup_free_ char *link = tree_installed_link(tree, on);
		_cleanup_free_ char *dir = tree_original_dir(tree, on);
		_cleanup_free_ char *saved = path_join(dir, file);

		if (!streq(modules.items[i], job->name) && path_exists(link) &&
			file_same_bytes(saved, built) == 1)
			return TAKE_PTR(dir);
	}
	return NULL;
}
