/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_BUILD_H
#define BUILDER_BUILD_BUILD_H

#include <time.h>

#include "cache/entry.h"
#include "cache/key.h"
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
	struct key key;	    /* empty: not cached */
	struct error no_key; /* why it could not be made; no error of the build */
	struct objects *objects; /* objects.c's; NULL: none are looked for */
	bool from_scratch;	 /* make gets no objects */
	struct entry entry; /* to be published with the build; no files: none */
};

/* There is something to build, and the cache did not have it. */
static inline bool is_building(const struct job *job)
{
	return job->build && !job->outcome.restored;
}

/* build_free, in phases.h, frees. */
struct build *build_new(const struct job *job);
/* Since the build began. */
double build_elapsed_s(const struct build *b);
/* Where make leaves a module; caller frees. */
char *build_made_path(const struct job *job, const struct conf_module *m);
/* prepare.c: empties the directory of the job, which is locked. */
int build_clear_dir(struct job *job);
/* publish.c: checks what is staged against the kernel; fills the job's warnings. */
void build_check_staged(struct job *job);
/* The environment of the job's commands: ours without what is about this session and none
 * of a build's business, and what a dkms.conf and its scripts are promised. */
void build_environment(const struct job *job, struct strv *env);
/* What the job's commands see: fills box except for its kind. */
void build_sandbox(const struct job *job, struct sandbox *box);

/* Whether the administrator lets it use the network. */
bool build_has_network(const struct job *job);

/* advice.c: what the administrator can do when the log of a failed build tells that it missed
 * something which the sandbox keeps from it; caller frees; NULL when it does not. */
char *build_advice(const struct job *job);

/* cached.c: publishes the entry, if there is one. */
void cached_commit(struct job *job);

#endif
