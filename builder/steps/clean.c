/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JOB_CLEANING: the log stays where people look for it, and the job's directory is
 * removed. */
#include "config.h"

#include <sys/stat.h>

#include "base/file.h"
#include "builder/build/build.h"
#include "builder/reuse/cached.h"
#include "builder/steps/clean.h"

/* Moves the copy of the source back to its own directory, and puts at build_dir again
 * what was there before. */
static void undo_rename(struct build *b)
{
	if (b->work_dir != b->paths.build_dir)
		return;
	b->work_dir = b->paths.copy_dir;
	rename(b->paths.build_dir, b->work_dir);
	rename(b->paths.displaced_dir, b->paths.build_dir);
}

/* The log of a failed build stays where people look for it; see LOOK of the tree in
 * builder/tree/tree.h: build/RELEASE-ARCH/make.log, and build/make.log is the latest. */
static void keep_log(struct job *job)
{
	struct build *b = job->build;
	_cleanup_free_ char *log = path_join(b->paths.failed_dir, "make.log");
	_cleanup_free_ char *latest = path_join(b->paths.build_dir, "make.log");
	_cleanup_free_ char *target =
		xasprintf("%s/make.log", path_base(b->paths.failed_dir));

	dir_remove(b->paths.failed_dir, NULL);
	if (job->shared->settings->switches.keep_build)
		rename(b->work_dir, b->paths.failed_dir);
	else
		mkdir(b->paths.failed_dir, 0755);
	dir_remove(log, NULL); /* the module may have made one */
	if (rename(b->paths.log, log) == 0 && link_write(latest, target, NULL) == 0)
		job->outcome.log_path = TAKE_PTR(log);
}

/* After a success nothing tells of the failure before it. */
static void forget_log(struct build *b)
{
	_cleanup_free_ char *latest = path_join(b->paths.build_dir, "make.log");
	struct stat st;

	dir_remove(b->paths.failed_dir, NULL);
	if (lstat(latest, &st) == 0 && stat(latest, &st) < 0)
		unlink(latest);
}

void forget_build(struct job *job)
{
	build_free(TAKE_PTR(job->build));
	reuse_free(TAKE_PTR(job->reuse));
}

static int clean_work(struct job *job)
{
	struct build *b = job->build;

	undo_rename(b);
	if (b->job_lock_fd < 0)
		return 0; /* the directory is another's */
	if (job->outcome.result == RESULT_FAILED && !job->outcome.built &&
		!job->shared->stop.signal && b->log_fd >= 0)
		keep_log(job);
	else if (job->outcome.built)
		forget_log(b);
	dir_remove(b->paths.job_dir, NULL);
	forget_build(job);
	return 0;
}

enum phase clean_enter(struct job *job)
{
	if (!job->build)
		return PHASE_NEXT;
	job->ask.work = clean_work;
	return PHASE_WORK;
}
