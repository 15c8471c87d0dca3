/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last states of a build: JOB_COMPRESSING compresses the modules and lends them to
 * POST_BUILD. JOB_PUBLISHING takes them back, and renames them, with the log, to
 * RELEASE/ARCH in the dkms tree. */
#include "config.h"

#include <errno.h>

#include "base/file.h"
#include "builder/module/compress.h"
#include "builder/tree/signers.h"
#include "builder/tree/tree-change.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/post-build.h"
#include "builder/reuse/cached.h"
#include "builder/reuse/provenance.h"
#include "builder/reuse/reuse.h"
#include "builder/steps/publish.h"

/* JOB_COMPRESSING */

const char *compress_options_of(const struct settings *s, enum compression how)
{
	switch (how) {
	case COMPRESSION_GZIP:
		return s->compression.gzip_options;
	case COMPRESSION_XZ:
		return s->compression.xz_options;
	case COMPRESSION_ZSTD:
		return s->compression.zstd_options;
	case COMPRESSION_NONE:
		break;
	}
	return NULL;
}

static int compress_modules(struct job *job)
{
	enum compression how = COMPRESSION_NONE;
	int r;

	pthread_mutex_lock(&job->kernel->lock);
	r = kernel_find_compression(job->kernel, &how, &job->outcome.error);
	pthread_mutex_unlock(&job->kernel->lock);
	if (r < 0 || how == COMPRESSION_NONE)
		return r;
	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = conf_dest_file(m);
		_cleanup_free_ char *from = build_staged_path(job, name);
		_cleanup_free_ char *to =
			xasprintf("%s%s", from, compression_suffix(how));

		if (m->excluded)
			continue;
		r = compress_file(from, to, how,
			compress_options_of(job->shared->settings, how),
			&job->outcome.error);
		if (r == 0 && unlink(from) < 0)
			r = error_errno(
				&job->outcome.error, -errno, 1, "cannot remove %s", from);
	}
	return r;
}

static int compress_work(struct job *job)
{
	int r = compress_modules(job);

	return r < 0 ? r : post_build_lend(job);
}

enum transition compress_enter(struct job *job)
{
	if (!job->build)
		return TRANSITION_NEXT;
	job->ask.work = compress_work;
	return TRANSITION_WORK;
}

/* JOB_PUBLISHING */

/* For BUILD_DEPENDS_REBUILD: writes the installed version of each module in BUILD_DEPENDS
 * to a file .dep_NAME beside module/. Not after a build with --force, as in earlier
 * versions of dkms. */
static int write_dependencies(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct strv *names = &job->conf->build_depends;
	int r = 0;

	if (!job->conf->build_depends_rebuild || s->switches.force)
		return 0;
	for (size_t i = 0; i < names->n && r == 0; i++) {
		_cleanup_free_ char *version = NULL;
		_cleanup_free_ char *path = xasprintf(
			"%s/.dep_%s", job->build->paths.staging_dir, names->items[i]);
		_cleanup_free_ char *line = NULL;

		r = tree_read_installed(s->trees.dkms,
			job_module_on_kernel(job, names->items[i]), &version,
			&job->outcome.error);
		if (r < 0 || !version)
			continue;
		line = xasprintf("%s\n", version);
		r = file_write(path, line, strlen(line), 0644, &job->outcome.error);
	}
	return r;
}

/* Writes the log of the build to path. */
static int write_log(struct job *job, const char *path)
{
	const struct source_date *date = &job->shared->settings->source_date;
	const char *log = job->build->paths.log;

	return date->given
		       ? buildlog_write_reproducible(log, path, date, &job->outcome.error)
		       : file_copy(log, path, &job->outcome.error);
}

static int publish_work(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log_dir = path_join(b->paths.staging_dir, "log");
	_cleanup_free_ char *log = path_join(log_dir, "make.log");
	_cleanup_free_ char *built = NULL;
	int r;

	r = post_build_take_back(job);
	if (r < 0)
		return r;
	job->outcome.build_s = build_elapsed_s(b);
	cached_observe(job);
	r = dir_make(log_dir, &job->outcome.error);
	if (r == 0)
		r = write_log(job, log);
	if (r == 0)
		r = provenance_write(job, log_dir, &job->outcome.error);
	if (r == 0 && b->inputs.source.n)
		r = build_inputs_write(b->paths.staging_dir, &b->inputs, &job->outcome.error);
	if (r == 0 && job->reuse->signers)
		r = signers_write(
			b->paths.staging_dir, job->reuse->signers, &job->outcome.error);
	if (r == 0)
		r = write_dependencies(job);
	if (r == 0)
		r = tree_publish(job->shared->settings->trees.dkms, job_on_kernel(job),
			b->paths.staging_dir, &job->outcome.error);
	if (r < 0)
		return r;
	job->outcome.built = true;
	cached_commit(job);
	built = tree_built_dir(job->shared->settings->trees.dkms, job_on_kernel(job));
	job->outcome.log_path = path_join(built, "log/make.log");
	return 0;
}

enum transition publish_enter(struct job *job)
{
	if (!job->build)
		return TRANSITION_NEXT;
	job->ask.work = publish_work;
	return TRANSITION_WORK;
}
