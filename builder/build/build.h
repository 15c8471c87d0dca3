/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BUILD_H
#define BUILDER_BUILD_BUILD_H

#include <time.h>

#include "builder/run/user.h"
#include "builder/host/toolchain.h"
#include "builder/job/job.h"
#include "builder/tree/build-inputs.h"

/* The paths of a build; build.c describes the directories. */
struct build_paths {
	char *version_dir;   /* DKMSTREE/NAME/VERSION */
	char *source_dir;    /* VERSION_DIR/source, a link into the source tree */
	char *real_build_dir; /* VERSION_DIR/build */
	char *build_dir;     /* the build directory as the module's commands see it:
			      * real_build_dir, or its place by places.h */
	char *displaced_dir; /* VERSION_DIR/.logs: without namespaces, holds what is at
			      * real_build_dir otherwise */
	char *failed_dir;    /* VERSION_DIR/build/RELEASE-ARCH: holds the log of a build
			      * that failed */
	char *job_dir;       /* VERSION_DIR/.job-RELEASE-ARCH */
	char *copy_dir;      /* JOB_DIR/build: the copy of the source */
	char *staging_dir;   /* JOB_DIR/staging */
	char *lent_dir;      /* JOB_DIR/lent: the copy of staging_dir that POST_BUILD sees,
			      * see post-build.h */
	char *tmp_dir;       /* JOB_DIR/tmp: the commands' /tmp */
	char *built_dir;     /* VERSION_DIR/RELEASE/ARCH */
	char *displaced_built_dir; /* VERSION_DIR/.built-RELEASE-ARCH: without namespaces,
				    * what is at built_dir otherwise */
	char *log;           /* JOB_DIR/make.log */
};

/* The state of a build, from JOB_CHECKING to JOB_CLEANING_BUILD. */
struct build {
	/* Fixed when the build begins. */
	struct build_paths paths;
	enum sandbox_kind sandbox; /* how the module's commands are confined */
	struct toolchain toolchain;
	struct strv header_mounts; /* by header_mounts_list(); empty: the headers are seen
				    * at their own paths */
	struct strv places; /* by places_choose(): pairs of the path of a tree, or of a
			     * directory of headers, and where the commands see it */
	struct strv mounted_places; /* for each pair, the place where the kernel reports what
				     * is opened there: by sandbox_place() */
	struct timespec began;     /* CLOCK_MONOTONIC */

	/* Changed by the states of the build. */
	struct lock job_lock; /* of job_dir */
	struct lock version_lock; /* of version_dir, which is taken without namespaces
				   * only */
	int log_fd;           /* make.log, for appending; -1: not open */
	const char *work_dir; /* where dkms finds the copy of the source: paths.copy_dir,
			       * or paths.real_build_dir while the copy is renamed to it */
	size_t next_patch;    /* index of the next patch to apply */
	struct user user; /* whom the module's commands run as; uid 0: as dkms does */
	struct trace *trace;  /* what the module's commands open; NULL: not recorded */
	/* debug_info_is_left_out()'s. */
	bool debug_info_known, no_debug_info;
	bool lent;            /* lent_dir has what POST_BUILD may change */
	struct strv added;    /* the files that POST_BUILD has added, relative to
			       * staging_dir */
	char *changed;        /* the first file that it has changed or removed; or NULL */
	const char *doubt; /* why what was made may be wrong, although each command has
			    * succeeded; static; or NULL */
	char *fit; /* build_describe_fit()'s, if the modules were found to fit; or NULL */
	/* As they were when the build began. They are not kept if source.n is 0. */
	struct build_inputs inputs;
	bool inputs_known; /* build_look_at_inputs() has been called */
	char *search_path;    /* build_search_path()'s; NULL: it was not asked for */
	/* others.c's: of each directory of which builds see a part, the path by which they
	 * see it and its real path or ""; empty: not found out yet */
	struct strv part_paths;
	struct strv other_modules; /* those that others_find_module() looks at */
	bool other_modules_known;
};

/* Whether the job has to compile: it builds, and the result is not from the cache. */
static inline bool build_is_needed(const struct job *job)
{
	return job->build && !job->outcome.restored;
}

/* Returns a build with its paths set and nothing locked or opened. build_free() frees. */
struct build *build_new(const struct job *job);
/* Closes the files, which drops the locks. NULL is allowed. */
void build_free(struct build *b);

/* Looks at what the modules are built from, when it is called first: before anything of it is
 * digested or copied. Not if a later run would build from something else, and not where results
 * must always be the same. From any thread. */
void build_look_at_inputs(struct job *job);

/* Returns JOB_DIR/NAME; the caller frees. */
char *build_job_path(const struct job *job, const char *name);
/* Returns the path of a file that JOB_PUBLISHING will put into RELEASE/ARCH/module; the
 * caller frees. An empty name gives the directory. */
char *build_staged_path(const struct job *job, const char *file);
/* A built module, and the Module.symvers of a package, may have at most this many bytes:
 * many times what the largest ones have. base/beneath.h says how dkms reads them. */
#define BUILD_MODULE_MAX (UINT64_C(1) << 30)
#define BUILD_SYMVERS_MAX (UINT64_C(128) << 20)
/* Return the path outside of the sandbox of what the build's commands see at a path, and
 * the reverse. Only the build directory and the kernel's headers are known; NULL for
 * other paths. The caller frees. */
char *build_real_path(const struct build *b, const char *sandbox_path);
char *build_sandbox_path(const struct build *b, const char *path);
/* Returns the descriptor of make.log, which stays the build's; -1 if it is not open. */
int build_log_fd(const struct job *job);
/* Returns the time since build_new() (s). */
double build_elapsed_s(const struct build *b);
/* Removes the copy of the source and what is staged. The job directory must be locked.
 * Returns 0, or a negative errno and job->outcome.error. */
int build_clear_job_dir(struct job *job);
#endif
