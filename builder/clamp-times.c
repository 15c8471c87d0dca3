/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has a job written, and which times does that have? */
#include "config.h"

#include "base/file.h"
#include "builder/install/depmod.h"
#include "builder/tree/installed-files.h"
#include "builder/tree/tree.h"
#include "builder/clamp-times.h"

/* Clamps the directories from that of path up to top, which must be above path. */
static void clamp_dirs(const struct source_date *date, const char *path, const char *top)
{
	_cleanup_free_ char *dir = path_parent(path);

	while (path_is_in(dir, top)) {
		source_date_clamp(date, dir);
		*strrchr(dir, '/') = '\0';
	}
}

/* Clamps the files in the kernel's tree and the directories that they are in or were
 * removed from. */
static void clamp_kernel(const struct job *job, const struct source_date *date)
{
	const struct job_outcome *o = &job->outcome;
	const struct strv *lists[] = {&o->added, &o->removed, &o->moved};
	const char *dir = job->kernel->dir;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			source_date_clamp(date, lists[l]->items[i]);
			clamp_dirs(date, lists[l]->items[i], dir);
		}
	}
}

static void clamp_depmod(const struct job *job, const struct source_date *date)
{
	_cleanup_(strv_done) struct strv names = {0};

	if (job->outcome.result == RESULT_NOTHING)
		return;
	dir_list(job->kernel->dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(job->kernel->dir, names.items[i]);

		if (depmod_writes(names.items[i]))
			source_date_clamp(date, path);
	}
	source_date_clamp(date, job->kernel->dir);
}

/* Clamps the source if JOB_ADD has copied or unpacked it. */
static void clamp_source(const struct job *job, const struct source_date *date)
{
	const char *tree = job->shared->settings->trees.source;
	_cleanup_free_ char *source =
		xasprintf("%s/%s-%s", tree, job->name, job->version);

	if (!job->add->from || path_is_same(job->add->from, source))
		return;
	source_date_clamp_all(date, source);
	source_date_clamp(date, tree);
}

/* Clamps the modules for all kernels in the directory of a version that was added. */
static void clamp_loaded(const char *dir, const struct source_date *date)
{
	_cleanup_(strv_done) struct strv names = {0};

	dir_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		_cleanup_free_ char *path = path_join(dir, names.items[i]);

		if (*names.items[i] != '.' && !streq(names.items[i], "build"))
			source_date_clamp_all(date, path);
	}
}

/* Clamps what the job has changed of its version in the dkms tree. The directory build/
 * and names that begin with a dot belong to builds that may be going on, so their content
 * is left out. */
static void clamp_version(const struct job *job, const struct source_date *date)
{
	const char *tree = job->shared->settings->trees.dkms;
	_cleanup_free_ char *name_dir = path_join(tree, job->name);
	_cleanup_free_ char *originals = path_join(name_dir, TREE_ORIGINALS);
	_cleanup_free_ char *dir = tree_version_dir(tree, job->name, job->version);
	_cleanup_free_ char *source = path_join(dir, "source");
	_cleanup_free_ char *build = path_join(dir, "build");

	if (job->kind == JOB_ADD && job->outcome.result == RESULT_DONE) {
		clamp_source(job, date);
		clamp_loaded(dir, date);
	}
	if (job_kernel(job)) {
		struct version_on_kernel on = job_on_kernel(job);
		_cleanup_free_ char *built = tree_built_dir(tree, on);
		_cleanup_free_ char *link = tree_installed_link(tree, on);
		_cleanup_free_ char *record = installed_files_path(tree, on);

		if (job->outcome.built || job->outcome.signed_again)
			source_date_clamp_all(date, built);
		source_date_clamp_all(date, originals);
		source_date_clamp(date, link);
		source_date_clamp(date, record);
		clamp_dirs(date, built, dir);
		clamp_kernel(job, date);
	}
	if (job->kind == JOB_PACK && job->pack->archive) {
		source_date_clamp(date, job->pack->archive);
		clamp_dirs(date, job->pack->archive, dir);
	}
	source_date_clamp(date, source);
	source_date_clamp(date, build);
	source_date_clamp(date, dir);
	source_date_clamp(date, name_dir);
	source_date_clamp(date, tree);
}

void clamp_times(const struct job *job)
{
	const struct source_date *date = &job->shared->settings->source_date;

	if (!date->given || job->kind == JOB_EVALUATE || job->kind == JOB_EXPLAIN)
		return;
	if (job->kind == JOB_DEPMOD)
		clamp_depmod(job, date);
	else if (job->name)
		clamp_version(job, date);
}
