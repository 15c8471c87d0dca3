/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose is a directory of the source tree? */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/conf/quick-read.h"
#include "builder/tree/tree.h"
#include "builder/add/claim.h"

static int refuse(struct job *job, const char *source, const char *whose)
{
	error_set(&job->outcome.error, -EPERM, 3,
		"%s/%s cannot be put into %s, which is %s", job->name, job->version,
		source, whose);
	error_remedy(&job->outcome.error,
		"give it another PACKAGE_NAME; or, if nothing needs %s, move it away", source);
	return -EPERM;
}

/* Whether a link leads to source, or would if there were something. */
static bool leads_to(const char *link, const char *source)
{
	_cleanup_free_ char *target = NULL, *beside = NULL, *plain = NULL, *dir = NULL;
	_cleanup_free_ char *source_dir = path_parent(source);

	if (path_is_same(link, source))
		return true;
	if (link_read(link, &target) < 0)
		return false;
	beside = *target == '/' ? xstrdup(target) : path_beside(link, target);
	plain = path_without_dots(beside);
	dir = plain ? path_parent(plain) : NULL;
	return dir && streq(path_base(plain), path_base(source)) &&
	       path_is_same(*dir ? dir : "/", source_dir);
}

/* Refuses a directory that is the source of another version in the dkms tree. */
static int check_module(struct job *job, const char *module, const char *source)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_(strv_done) struct strv versions = {0};
	int r = tree_list_versions(tree, module, &versions);

	if (r < 0)
		return error_errno(
			&job->outcome.error, r, 1, "cannot read %s/%s", tree, module);
	for (size_t i = 0; i < versions.n; i++) {
		const char *version = versions.items[i];
		_cleanup_free_ char *link =
			xasprintf("%s/%s/%s/source", tree, module, version);
		_cleanup_free_ char *whose =
			xasprintf("the source of %s/%s", module, version);

		if (streq(module, job->name) && streq(version, job->version))
			continue;
		if (leads_to(link, source))
			return refuse(job, source, whose);
	}
	return 0;
}

static int check_versions(struct job *job, const char *source)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_(strv_done) struct strv modules = {0};
	int r = tree_list_modules(tree, &modules);

	if (r < 0)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", tree);
	for (size_t i = 0; i < modules.n && r == 0; i++)
		r = check_module(job, modules.items[i], source);
	return r;
}

/* Refuses a directory for the headers of a kernel, also where they are not installed. */
static int check_kernels(struct job *job, const char *source)
{
	static const char *const prefixes[] = {"linux-headers-", "linux-kbuild-"};
	const char *modules = job->shared->settings->trees.install;
	_cleanup_(strv_done) struct strv releases = {0};
	bool is_headers = streq(job->name, "linux");
	int r = dir_list(modules, &releases);

	if (r < 0 && r != -ENOENT)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", modules);
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		is_headers |= has_prefix(path_base(source), prefixes[i]);
	for (size_t i = 0; i < releases.n && !is_headers; i++) {
		_cleanup_free_ char *build =
			xasprintf("%s/%s/build", modules, releases.items[i]);
		_cleanup_free_ char *full = path_beside(build, "source");

		is_headers = leads_to(build, source) || leads_to(full, source);
	}
	return is_headers ? refuse(job, source, "a directory for the headers of a kernel") : 0;
}

/* Whether nothing is lost when source is replaced. */
static bool is_free(const char *source)
{
	_cleanup_(strv_done) struct strv names = {0};
	int r = dir_list(source, &names);

	return r == -ENOENT || (r == 0 && !names.n);
}

/* Refuses what has a dkms.conf of another name or version, or none. */
static int check_conf(struct job *job, const char *source)
{
	_cleanup_free_ char *path = path_join(source, "dkms.conf"), *whose = NULL;
	_cleanup_free_ char *own = path_join(job->add->from, "dkms.conf");
	struct quick_conf conf;
	int r = 0;

	if (is_free(source))
		return 0;
	if (!path_is_file(path))
		return refuse(job, source, "no source of dkms: it has no dkms.conf");
	quick_conf_read(path, &conf);
	whose = xasprintf("%s/%s by its dkms.conf",
		conf.package_name ? conf.package_name : "unknown",
		conf.package_version ? conf.package_version : "unknown");
	text_mask_controls(whose);
	/* Where bash would have to be asked, the same file has the same name. */
	if (!conf.package_name || !conf.package_version)
		r = file_same_bytes(path, own) == 1 ? 0
							       : refuse(job, source, whose);
	else if (!streq(conf.package_name, job->name) ||
		 !streq(conf.package_version, job->version))
		r = refuse(job, source, whose);
	quick_conf_done(&conf);
	return r;
}

int claim_check(struct job *job, const char *source)
{
	int r = check_kernels(job, source);

	if (r == 0)
		r = check_versions(job, source);
	return r == 0 ? check_conf(job, source) : r;
}
