/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a build owns: its paths, its locks and its log.
 *
 * A build works in NAME/VERSION/.job-RELEASE-ARCH, which other users cannot enter and which is locked with flock(2) while
 * the build runs. This directory holds:
 *
 *   build/     the copy of the source; the module's commands can write only here. It
 *              belongs to the user that they run as
 *   staging/   module/ and log/; this will be renamed to NAME/VERSION/RELEASE/ARCH
 *   lent/      a copy of staging/ that POST_BUILD may change
 *   tmp/       what the commands see at /tmp
 *   make.log
 *
 * The commands see the copy at NAME/VERSION/build, where a dkms.conf expects it; places.h
 * says of which tree. With mount namespaces, each job has its own copy mounted there.
 * Without them, the copy is renamed to that path while the job runs, so only one kernel
 * at a time can be built for.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/run/trace.h"
#include "builder/host/distro.h"
#include "builder/host/header-mounts.h"
#include "builder/host/toolchain.h"
#include "builder/host/unpackaged.h"
#include "builder/module/compress.h"
#include "builder/module/modfile.h"
#include "builder/tree/tree.h"
#include "builder/build/build.h"

double build_elapsed_s(const struct build *b)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - b->began.tv_sec) +
	       (double)(now.tv_nsec - b->began.tv_nsec) / 1e9;
}

struct build *build_new(const struct job *job)
{
	const char *release = job->kernel->release, *arch = job->kernel->arch;
	struct build *b = xcalloc(1, sizeof(*b));
	struct build_paths *p = &b->paths;

	p->version_dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
	p->source_dir = path_join(p->version_dir, "source");
	p->real_build_dir = path_join(p->version_dir, "build");
	p->build_dir = xstrdup(p->real_build_dir);
	p->displaced_dir = path_join(p->version_dir, ".logs");
	p->failed_dir = xasprintf("%s/%s-%s", p->real_build_dir, release, arch);
	p->job_dir = xasprintf("%s/.job-%s-%s", p->version_dir, release, arch);
	p->copy_dir = path_join(p->job_dir, "build");
	p->staging_dir = path_join(p->job_dir, "staging");
	p->lent_dir = path_join(p->job_dir, "lent");
	p->tmp_dir = path_join(p->job_dir, "tmp");
	p->built_dir = xasprintf("%s/%s/%s", p->version_dir, release, arch);
	p->displaced_built_dir =
		xasprintf("%s/.built-%s-%s", p->version_dir, release, arch);
	p->log = path_join(p->job_dir, "make.log");
	b->work_dir = b->paths.copy_dir;
	b->log_fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &b->began);
	return b;
}

static void paths_done(struct build_paths *p)
{
	free(p->version_dir);
	free(p->source_dir);
	free(p->real_build_dir);
	free(p->build_dir);
	free(p->displaced_dir);
	free(p->failed_dir);
	free(p->job_dir);
	free(p->copy_dir);
	free(p->staging_dir);
	free(p->lent_dir);
	free(p->tmp_dir);
	free(p->built_dir);
	free(p->displaced_built_dir);
	free(p->log);
}

void build_free(struct build *b)
{
	if (!b)
		return;
	lock_release(&b->version_lock);
	lock_release(&b->job_lock);
	close_ptr(&b->log_fd);
	paths_done(&b->paths);
	toolchain_done(&b->toolchain);
	strv_done(&b->header_mounts);
	strv_done(&b->places);
	user_give(&b->user);
	strv_done(&b->mounted_places);
	trace_free(b->trace);
	strv_done(&b->added);
	free(b->changed);
	free(b->fit);
	free(b->search_path);
	build_inputs_done(&b->inputs);
	strv_done(&b->other_modules);
	strv_done(&b->part_paths);
	free(b);
}

void build_look_at_inputs(struct job *job)
{
	const struct settings *s = job->shared->settings;
	struct build *b = job->build;
	struct build_inputs *in = &b->inputs;
	const char *cc = b->toolchain.cc ? b->toolchain.cc : b->toolchain.llvm ? "clang" : "gcc";
	_cleanup_(strv_done) struct strv overrides = {0};

	if (b->inputs_known || !job_builds(job) || s->switches.dry_run ||
		s->source_date.given || s->kernel.source_dir || s->kernel.config ||
		s->directives.n)
		return;
	b->inputs_known = true;
	dir_list(s->config_dir, &overrides);
	build_inputs_look_at_overrides(s, &overrides, job_on_kernel(job), &in->overrides);
	in->compiler_path = path_find_program(cc, getenv("PATH"));
	if (in->compiler_path &&
		!build_inputs_look_at_compiler(in->compiler_path, &in->compiler))
		str_replace(&in->compiler_path, NULL);
	if (!build_inputs_look_at_headers(job->kernel, &in->headers) ||
		!build_inputs_look_at_source(b->paths.source_dir, &in->source))
		in->source.n = 0;
}

char *build_job_path(const struct job *job, const char *name)
{
	return path_join(job->build->paths.job_dir, name);
}

char *build_staged_path(const struct job *job, const char *file)
{
	return xasprintf("%s/module/%s", job->build->paths.staging_dir, file);
}

char *build_real_path(const struct build *b, const char *sandbox_path)
{
	if (path_is_below(sandbox_path, b->paths.build_dir))
		return xasprintf(
			"%s%s", b->work_dir, sandbox_path + strlen(b->paths.build_dir));
	return header_mounts_real_path(&b->header_mounts, sandbox_path);
}

char *build_sandbox_path(const struct build *b, const char *path)
{
	if (path_is_below(path, b->work_dir))
		return xasprintf("%s%s", b->paths.build_dir, path + strlen(b->work_dir));
	return header_mounts_sandbox_path(&b->header_mounts, path);
}

int build_log_fd(const struct job *job)
{
	return job->build->log_fd;
}

int build_clear_job_dir(struct job *job)
{
	const struct build_paths *p = &job->build->paths;
	const char *const dirs[] = {
		job->build->work_dir, p->staging_dir, p->lent_dir, p->tmp_dir};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && r == 0; i++)
		r = dir_remove(dirs[i], &job->outcome.error);
	return r;
}
