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

/* Returns the path that a link names, without following further links. The caller frees.
 * NULL if link is no link. */
static char *link_destination(const char *link)
{
	_cleanup_free_ char *target = NULL, *beside = NULL;

	if (link_read(link, &target) < 0)
		return NULL;
	beside = *target == '/' ? xstrdup(target) : path_beside(link, target);
	return path_without_dots(beside);
}

/* Whether path is source, which may be missing. */
static bool is_source(const char *path, const char *source)
{
	_cleanup_free_ char *dir = path_parent(path), *source_dir = path_parent(source);

	return path_is_same(path, source) || (streq(path_base(path), path_base(source)) &&
						     path_is_same(*dir ? dir : "/", source_dir));
}

/* Whether a link leads to source, or would if there were something. */
static bool leads_to(const char *link, const char *source)
{
	_cleanup_free_ char *path = link_destination(link);

	return path_is_same(link, source) || (path && is_source(path, source));
}

/* Whether path is source or below it. */
static bool is_in_source(const char *path, const char *source)
{
	_cleanup_free_ char *at = path ? xstrdup(path) : NULL;

	while (at && strchr(at + strspn(at, "/"), '/')) {
		char *dir;

		if (is_source(at, source))
			return true;
		dir = path_parent(at);
		free(at);
		at = dir;
	}
	return false;
}

/* Whether a link leads to source or below it, or would if there were something. */
static bool leads_into(const char *link, const char *source)
{
	_cleanup_free_ char *path = link_destination(link);
	_cleanup_free_ char *real = realpath(link, NULL);

	return leads_to(link, source) || is_in_source(path, source) ||
	       is_in_source(real, source);
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

/* Whether a directory is called like one for a kernel's headers or source. openSUSE has
 * linux-6.4.0-150600.23-obj, Gentoo linux-6.6.1-gentoo, Mageia kernel-6.6.28-desktop-1.mga9. */
static bool has_kernel_name(const char *base)
{
	static const char *const prefixes[] = {"linux-headers-", "linux-kbuild-"};
	static const char *const numbered[] = {"linux-", "kernel-"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (has_prefix(base, prefixes[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++)
		if (has_prefix(base, numbered[i]) &&
			strspn(base + strlen(numbered[i]), "0123456789") > 0)
			return true;
	return false;
}

/* Refuses a directory for the headers of a kernel, also where they are not installed. */
static int check_kernels(struct job *job, const char *source)
{
	const char *modules = job->shared->settings->trees.install;
	_cleanup_(strv_done) struct strv releases = {0};
	bool is_headers = streq(job->name, "linux") || has_kernel_name(path_base(source));
	int r = dir_list(modules, &releases);

	if (r < 0 && r != -ENOENT)
		return error_errno(&job->outcome.error, r, 1, "cannot read %s", modules);
	for (size_t i = 0; i < releases.n && !is_headers; i++) {
		_cleanup_free_ char *build =
			xasprintf("%s/%s/build", modules, releases.items[i]);
		_cleanup_free_ char *full = path_beside(build, "source");

		is_headers = leads_into(build, source) || leads_into(full, source);
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
