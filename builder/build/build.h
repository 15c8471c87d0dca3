/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BUILD_H
#define BUILDER_BUILD_BUILD_H

#include <time.h>

#include "builder/host/toolchain.h"
#include "builder/job/job.h"

/* The state of a build, for the files that have its states; see build.c for the
 * directories. */
struct build {
	char *version_dir; /* DKMSTREE/NAME/VERSION */
	char *source;	   /* VERSION_DIR/source */
	char *seen;	   /* VERSION_DIR/build */
	char *dir;	   /* VERSION_DIR/.job-RELEASE-ARCH */
	char *work;	   /* DIR/build, or seen while that is where it is */
	char *staging;	   /* DIR/staging */
	char *log;	   /* DIR/make.log */
	char *failed;	   /* VERSION_DIR/build/RELEASE-ARCH: where a failure's log stays */
	char *set_aside;   /* VERSION_DIR/.logs: what was at seen, without namespaces */
	int lock_fd, log_fd;
	int seen_lock_fd; /* on version_dir, without namespaces */
	enum sandbox_kind sandbox;
	bool renamed; /* work is at seen */
	struct toolchain toolchain;
	struct strv places; /* where the kernel's headers are seen: header_mounts_list() */
	size_t patch; /* the next one to apply */
	struct timespec started;
};

/* There is something to build, and the cache did not have it. */
static inline bool is_building(const struct job *job)
{
	return job->build && !job->outcome.restored;
}

struct build *build_new(const struct job *job);
void build_free(struct build *build); /* NULL is allowed */
/* A path in the job's own directory, that of a file to be published (caller frees both),
 * and make.log (borrowed). */
char *build_path(const struct job *job, const char *name);
char *build_staged_path(const struct job *job, const char *file);
int build_log_fd(const struct job *job);
/* Since the build began. */
double build_elapsed_s(const struct build *b);
/* Where make leaves a module; caller frees. */
char *build_made_path(const struct job *job, const struct conf_module *m);
/* Empties the directory of the job, which is locked. */
int build_clear_dir(struct job *job);
#endif
