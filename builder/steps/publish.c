/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a build after the module's own commands: what they have built is looked at,
 * compressed, and renamed to RELEASE/ARCH in the tree; the log stays where people look. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "builder/host/distro.h"
#include "builder/host/toolchain.h"
#include "builder/module/compress.h"
#include "builder/module/modfile.h"
#include "builder/tree/tree.h"
#include "builder/job/phase.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/ccache.h"
#include "builder/reuse/objects.h"


/* JOB_COLLECTING */

/* The symbols that a module may use besides those of its own package. */
static void list_symvers(const struct job *job, struct strv *ret)
{
	const struct settings *s = job->shared->settings;
	const struct kernel *k = job->kernel;

	strv_pushf(ret, "%s/Module.symvers", k->headers);
	for (size_t i = 0; i < job->conf->build_depends.n; i++) {
		const char *name = job->conf->build_depends.items[i];
		_cleanup_free_ char *link =
			tree_installed_link(s->trees.dkms, name, k->release, k->arch);

		strv_pushf(ret, "%s/module/Module.symvers", link);
	}
}

void build_check_staged(struct job *job)
{
	_cleanup_free_ char *symvers = build_staged_path(job, "Module.symvers");
	_cleanup_(strv_done) struct strv paths = {0};
	_cleanup_(strv_done) struct strv all_symvers = {0};
	_cleanup_(error_done) struct error err = {0};

	for (size_t i = 0; i < job->conf->n_modules; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);

		if (!m->excluded)
			strv_take(&paths, build_staged_path(job, name));
	}
	if (path_exists(symvers))
		strv_push(&all_symvers, symvers);
	list_symvers(job, &all_symvers);
	/* What it finds, also that a file is no module, is for a person to judge. */
	if (modfile_check(&paths, job->kernel->release, &all_symvers,
		    &job->outcome.warnings, &err) < 0)
		strv_push(&job->outcome.warnings, err.what);
}

static int collect_work(struct job *job)
{
	_cleanup_free_ char *module_dir = build_staged_path(job, "");
	_cleanup_free_ char *symvers = path_join(job->build->work, "Module.symvers");
	struct stat st;
	int r = dir_make(module_dir, &job->outcome.error);

	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *from = build_made_path(job, m);
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
		_cleanup_free_ char *to = build_staged_path(job, name);

		if (m->excluded)
			continue;
		r = file_copy(from, to, &job->outcome.error);
		if (r == 0 && chmod(to, 0644) < 0)
			r = error_errno(
				&job->outcome.error, -errno, 1, "cannot change %s", to);
	}
	if (r == 0 && lstat(symvers, &st) == 0 && S_ISREG(st.st_mode)) {
		_cleanup_free_ char *to = build_staged_path(job, "Module.symvers");

		r = file_copy(symvers, to, &job->outcome.error);
	}
	if (r == 0)
		build_check_staged(job);
	return r;
}

enum phase collect_enter(struct job *job)
{
	if (!is_building(job))
		return PHASE_NEXT;
	job->ask.work = collect_work;
	return PHASE_WORK;
}

/* JOB_FINISHING */

static const char *compress_options(const struct settings *s, enum compression how)
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

static int finish_work(struct job *job)
{
	enum compression how;
	int r;

	pthread_mutex_lock(&job->kernel->lock);
	r = kernel_find_modules(job->kernel, &job->outcome.error);
	how = kernel_compression(job->kernel);
	pthread_mutex_unlock(&job->kernel->lock);
	if (r < 0 || how == COMPRESSION_NONE)
		return r;
	for (size_t i = 0; i < job->conf->n_modules && r == 0; i++) {
		const struct conf_module *m = &job->conf->modules[i];
		_cleanup_free_ char *name = xasprintf("%s.ko", m->dest_name);
		_cleanup_free_ char *from = build_staged_path(job, name);
		_cleanup_free_ char *to = xasprintf("%s%s", from, compression_suffix(how));

		if (m->excluded)
			continue;
		r = compress_file(from, to, how, compress_options(job->shared->settings, how),
			&job->outcome.error);
		if (r == 0)
			unlink(from);
	}
	return r;
}

enum phase finish_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->ask.work = finish_work;
	return PHASE_WORK;
}

/* JOB_PUBLISHING */

/* The versions that it was built against, in .dep_NAME beside module/: what
 * BUILD_DEPENDS_REBUILD looks at. A forced build leaves no trace, as ever. */
static int write_dependencies(struct job *job)
{
	const struct settings *s = job->shared->settings;
	const struct strv *names = &job->conf->build_depends;
	int r = 0;

	if (!job->conf->build_depends_rebuild || s->switches.force)
		return 0;
	for (size_t i = 0; i < names->n && r == 0; i++) {
		_cleanup_free_ char *version = tree_installed_version(s->trees.dkms,
			names->items[i], job->kernel->release, job->kernel->arch);
		_cleanup_free_ char *path =
			xasprintf("%s/.dep_%s", job->build->staging, names->items[i]);
		_cleanup_free_ char *line = xasprintf("%s\n", version ? version : "");

		if (version)
			r = file_write(
				path, line, strlen(line), 0644, &job->outcome.error);
	}
	return r;
}

static int publish_work(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log_dir = path_join(b->staging, "log");
	_cleanup_free_ char *log = path_join(log_dir, "make.log");
	_cleanup_free_ char *built = NULL;
	int r;

	job->outcome.build_s = build_elapsed_s(b);
	r = dir_make(log_dir, &job->outcome.error);
	if (r == 0)
		r = file_copy(b->log, log, &job->outcome.error);
	if (r == 0)
		r = write_dependencies(job);
	if (r == 0)
		r = tree_publish(job->shared->settings->trees.dkms, job->name,
			job->version, job->kernel->release, job->kernel->arch, b->staging,
			&job->outcome.error);
	if (r < 0)
		return r;
	job->outcome.built = true;
	cached_commit(job);
	built = tree_built_dir(job->shared->settings->trees.dkms, job->name, job->version,
		job->kernel->release, job->kernel->arch);
	job->outcome.log_path = path_join(built, "log/make.log");
	return 0;
}

enum phase publish_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->ask.work = publish_work;
	return PHASE_WORK;
}

/* JOB_CLEANING */

static void restore_seen(struct build *b)
{
	if (!b->renamed)
		return;
	free(b->work);
	b->work = path_join(b->dir, "build");
	rename(b->seen, b->work);
	rename(b->set_aside, b->seen);
	b->renamed = false;
}

/* The log of a failed build stays where people look for it; see LOOK of the tree in
 * builder/tree/tree.h: build/RELEASE-ARCH/make.log, and build/make.log is the latest. */
static void keep_log(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log = path_join(b->failed, "make.log");
	_cleanup_free_ char *latest = path_join(b->seen, "make.log");
	_cleanup_free_ char *target = xasprintf("%s/make.log", path_base(b->failed));

	dir_remove(b->failed, NULL);
	if (job->shared->settings->switches.keep_build)
		rename(b->work, b->failed);
	else
		mkdir(b->failed, 0755);
	dir_remove(log, NULL); /* the module may have made one */
	if (rename(b->log, log) == 0 && link_write(latest, target, NULL) == 0)
		job->outcome.log_path = TAKE_PTR(log);
}

/* After a success nothing tells of the failure before it. */
static void forget_log(struct build *b)
{
	_cleanup_free_ char *latest = path_join(b->seen, "make.log");
	struct stat st;

	dir_remove(b->failed, NULL);
	if (lstat(latest, &st) == 0 && stat(latest, &st) < 0)
		unlink(latest);
}

static int clean_work(struct job *job)
{
	struct build *b = job->build;

	restore_seen(b);
	if (b->lock_fd < 0)
		return 0; /* the directory is another's */
	if (job->outcome.result == RESULT_FAILED && !job->outcome.built &&
		!job->shared->stop.signal && b->log_fd >= 0)
		keep_log(job);
	else if (job->outcome.built)
		forget_log(b);
	dir_remove(b->dir, NULL);
	build_free(TAKE_PTR(job->build));
	return 0;
}

enum phase clean_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->ask.work = clean_work;
	return PHASE_WORK;
}
