/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_COLLECTING: copies the built modules out of the build directory and checks them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/beneath.h"
#include "base/file.h"
#include "cache/cache.h"
#include "builder/host/architecture.h"
#include "builder/module/examine.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/collect.h"

/* Lists the Module.symvers files of the kernel and of the packages in BUILD_DEPENDS: the
 * symbols that the modules may use in addition to those of their own package. */
static void list_symvers(const struct job *job, struct strv *ret)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;

	strv_pushf(ret, "%s/Module.symvers", k->headers);
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *link = tree_installed_link(s->trees.dkms,
			job_module_on_kernel(job, name));

		strv_pushf(ret, "%s/module/Module.symvers", link);
	}
}

char *build_describe_fit(const struct job *job)
{
	_cleanup_(strv_done) struct strv paths = {0};
	struct str s = {0};

	if (!job->shared->cache)
		return NULL;
	list_symvers(job, &paths);
	str_addf(&s, "%s\n", job->kernel->release);
	for (size_t i = 0; i < paths.n; i++) {
		char hex[DIGEST_HEX] = "-";
		struct digest digest;
		struct stat st;

		if (stat(paths.items[i], &st) == 0 &&
			statcache_digest(cache_statcache(job->shared->cache), AT_FDCWD,
				paths.items[i], &st, &digest) == 0)
			digest_hex(&digest, hex);
		str_addf(&s, "%s\n", hex);
	}
	return str_take(&s);
}

/* Warns of modules whose code is for another architecture than the kernel's. A compressed module, as
 * POST_BUILD may leave one, is not looked at. */
static void check_architecture(struct job *job, const struct strv *paths)
{
	const struct architecture *expected = architecture_find(job->kernel->arch);

	for (size_t i = 0; expected && i < paths->n; i++) {
		int elf = architecture_of_file(paths->items[i]);
		const char *name = elf > 0 ? architecture_name_of_elf(elf) : NULL;

		if (elf > 0 && elf != expected->elf)
			strv_pushf(&job->outcome.warnings, "%s: code for %s, not for %s",
				path_base(paths->items[i]), name ? name : "an unknown machine",
				job->kernel->arch);
	}
}

int build_check_modules(struct job *job, const struct strv *paths)
{
	_cleanup_free_ char *symvers = build_staged_path(job, "Module.symvers");
	_cleanup_(strv_done) struct strv all_symvers = {0};
	_cleanup_(error_done) struct error err = {0};
	int r;

	if (path_exists(symvers))
		strv_push(&all_symvers, symvers);
	list_symvers(job, &all_symvers);
	/* All problems are only warnings, even a file that is not a module: a person has
	 * to judge them. But depmod reads the modules with the same library as root, for
	 * all packages. */
	r = examine_for_kernel(paths, job->kernel->release, &all_symvers,
		&job->outcome.warnings, &err);
	if (r == -EPROTO) {
		error_move(&job->outcome.error, &err);
		return r;
	}
	if (r < 0)
		strv_push(&job->outcome.warnings, err.what);
	check_architecture(job, paths);
	return 0;
}

int build_check_staged_modules(struct job *job)
{
	_cleanup_free_ char *fit = build_describe_fit(job);
	size_t n_warnings = job->outcome.warnings.n;
	_cleanup_(strv_done) struct strv paths = {0};
	int r;

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = conf_dest_file(m);

		if (!m->excluded)
			strv_take(&paths, build_staged_path(job, name));
	}
	r = build_check_modules(job, &paths);
	if (r < 0)
		return r;
	free(job->build->fit);
	job->build->fit =
		job->outcome.warnings.n == n_warnings ? TAKE_PTR(fit) : NULL;
	return 0;
}

/* Copies the Module.symvers of the package, if there is one. */
static int copy_symvers(struct job *job)
{
	_cleanup_free_ char *to = build_staged_path(job, "Module.symvers");
	_cleanup_(error_done) struct error err = {0};
	int r = beneath_copy(job->build->work_dir, "Module.symvers", BUILD_SYMVERS_MAX,
		to, 0644, &err);

	if (r == -ENOENT || r == -ELOOP || r == -EINVAL)
		return 0;
	error_move(&job->outcome.error, &err);
	return r;
}

static int collect_work(struct job *job)
{
	_cleanup_free_ char *module_dir = build_staged_path(job, "");
	const char *work_dir = job->build->work_dir;
	int r = dir_make(module_dir, &job->outcome.error);

	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *from = conf_built_file(m);
		_cleanup_free_ char *name = conf_dest_file(m);
		_cleanup_free_ char *to = build_staged_path(job, name);

		if (m->excluded)
			continue;
		r = beneath_copy(work_dir, from, BUILD_MODULE_MAX, to, 0644,
			&job->outcome.error);
	}
	if (r == 0)
		r = copy_symvers(job);
	return r == 0 ? build_check_staged_modules(job) : r;
}

enum transition collect_enter(struct job *job)
{
	if (!build_is_needed(job))
		return TRANSITION_NEXT;
	job->ask.work = collect_work;
	return TRANSITION_WORK;
}
