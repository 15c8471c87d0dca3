/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_CLEANING_BUILD: keeps the log of a failed build, removes the job's directory. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/tree/leftovers.h"
#include "builder/build/build.h"
#include "builder/build/buildlog.h"
#include "builder/build/post-build.h"
#include "builder/reuse/cached.h"
#include "builder/steps/clean.h"

/* Undoes rename_to_build_dir() of prepare.c: moves the copy of the source back to
 * copy_dir, and the earlier content of real_build_dir back to it. */
static void restore_build_dir(struct build *b)
{
	if (b->work_dir != b->paths.real_build_dir)
		return;
	b->work_dir = b->paths.copy_dir;
	rename(b->paths.real_build_dir, b->work_dir);
	rename(b->paths.displaced_dir, b->paths.real_build_dir);
}

/* Keeps the copy of the source with what the build has made. Only root can enter it. */
static void keep_build(struct build *b)
{
	if (!b->user.uid) {
		rename(b->work_dir, b->paths.failed_dir);
		return;
	}
	/* In this order: the module's user may have changed the mode, and nobody else can
	 * reach the directory before it is renamed. */
	if (lchown(b->work_dir, 0, 0) < 0 || chmod(b->work_dir, 0700) < 0 ||
		rename(b->work_dir, b->paths.failed_dir) < 0)
		mkdir(b->paths.failed_dir, 0755);
}

/* Keeps the log of a failed build as build/RELEASE-ARCH/make.log; see
 * builder/tree/tree.h. build/make.log is a link to the latest such log. */
static void keep_log(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log = path_join(b->paths.failed_dir, "make.log");
	_cleanup_free_ char *latest = path_join(b->paths.real_build_dir, "make.log");
	_cleanup_free_ char *target =
		xasprintf("%s/make.log", path_base(b->paths.failed_dir));

	buildlog_add_failure(b->log_fd, job->outcome.failed_in, job->outcome.error.what);
	dir_remove(b->paths.failed_dir, NULL);
	if (job->shared->settings->switches.keep_build)
		keep_build(b);
	else
		mkdir(b->paths.failed_dir, 0755);
	dir_remove(log, NULL); /* the module may have a file of that name */
	if (rename(b->paths.log, log) == 0 && link_write(latest, target, NULL) == 0)
		job->outcome.log_path = TAKE_PTR(log);
}

/* Removes the log of an earlier build that failed, and the link to it. */
static void remove_failed_log(struct build *b)
{
	_cleanup_free_ char *latest = path_join(b->paths.real_build_dir, "make.log");
	struct stat st;

	dir_remove(b->paths.failed_dir, NULL);
	if (lstat(latest, &st) == 0 && stat(latest, &st) < 0)
		unlink(latest);
}

void clean_free_build(struct job *job)
{
	build_free(TAKE_PTR(job->build));
	reuse_free(TAKE_PTR(job->reuse));
}

static int clean_work(struct job *job)
{
	struct build *b = job->build;

	restore_build_dir(b);
	if (b->version_lock.path)
		post_build_restore_place(b);
	if (!b->job_lock.path)
		return 0; /* another process uses the directory */
	if (job->outcome.result == RESULT_FAILED && !job->outcome.built &&
		b->log_fd >= 0)
		keep_log(job);
	else if (job->outcome.built)
		remove_failed_log(b);
	if (dir_remove(b->paths.job_dir, NULL) < 0)
		leftovers_expect(job->shared->settings->trees.dkms);
	clean_free_build(job);
	return 0;
}

enum transition clean_enter(struct job *job)
{
	if (!job->build)
		return TRANSITION_NEXT;
	job->ask.work = clean_work;
	return TRANSITION_WORK;
}
