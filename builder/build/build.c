/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of a build, from a fresh copy of the source to RELEASE/ARCH in the tree.
 *
 * A build works in NAME/VERSION/.job-RELEASE-ARCH, which is locked (flock) while it runs:
 *
 *   build/     the copy of the source; the only place that the module's commands may write
 *   staging/   module/ and log/, what will be renamed to NAME/VERSION/RELEASE/ARCH
 *   make.log
 *
 * The commands see build/ at NAME/VERSION/build, where a dkms.conf expects it: each job
 * has its own there, by a mount namespace. Without namespaces it is renamed to that place
 * while the job runs, so that only one kernel at a time can be built for. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"
#include "builder/host/distro.h"
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
	return (double)(now.tv_sec - b->started.tv_sec) +
	       (double)(now.tv_nsec - b->started.tv_nsec) / 1e9;
}

struct build *build_new(const struct job *job)
{
	const char *release = job->kernel->release, *arch = job->kernel->arch;
	struct build *b = xcalloc(1, sizeof(*b));

	b->version_dir = tree_version_dir(
		job->shared->settings->trees.dkms, job->name, job->version);
	b->source = path_join(b->version_dir, "source");
	b->seen = path_join(b->version_dir, "build");
	b->dir = xasprintf("%s/.job-%s-%s", b->version_dir, release, arch);
	b->work = path_join(b->dir, "build");
	b->staging = path_join(b->dir, "staging");
	b->log = path_join(b->dir, "make.log");
	b->failed = xasprintf("%s/%s-%s", b->seen, release, arch);
	b->set_aside = path_join(b->version_dir, ".logs");
	b->lock_fd = b->log_fd = b->seen_lock_fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &b->started);
	return b;
}

void build_free(struct build *b)
{
	if (!b)
		return;
	close_ptr(&b->lock_fd);
	close_ptr(&b->seen_lock_fd);
	close_ptr(&b->log_fd);
	free(b->version_dir);
	free(b->source);
	free(b->seen);
	free(b->dir);
	free(b->work);
	free(b->staging);
	free(b->log);
	free(b->failed);
	free(b->set_aside);
	toolchain_done(&b->toolchain);
	strv_done(&b->places);
	free(b);
}

char *build_path(const struct job *job, const char *name)
{
	return path_join(job->build->dir, name);
}

char *build_staged_path(const struct job *job, const char *file)
{
	return xasprintf("%s/module/%s", job->build->staging, file);
}

int build_log_fd(const struct job *job)
{
	return job->build->log_fd;
}

char *build_made_path(const struct job *job, const struct conf_module *m)
{
	return xasprintf("%s/%s%s.ko", job->build->work, m->built_location, m->built_name);
}

int build_clear_dir(struct job *job)
{
	int r = dir_remove(job->build->work, &job->outcome.error);

	return r < 0 ? r : dir_remove(job->build->staging, &job->outcome.error);
}
