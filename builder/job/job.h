/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_JOB_H
#define BUILDER_JOB_JOB_H

#include <stdint.h>

#include "base/error.h"
#include "builder/run/command.h"
#include "builder/run/sandbox.h"
#include "builder/host/kernel.h"
#include "builder/host/kernel-names.h"
#include "builder/host/settings.h"
#include "builder/conf/conf.h"
#include "builder/tree/tree.h"

/* A job does one thing to one module version, mostly for one kernel: a state machine
 * that asks for commands and for work on a thread, and that runs nothing itself. */

enum job_kind {
	JOB_EVALUATE,  /* read the dkms.conf and no more */
	JOB_ADD,       /* make NAME/VERSION known, copying its source first if need be */
	JOB_BUILD,
	JOB_INSTALL,   /* build first when needed */
	JOB_UNINSTALL,
	JOB_UNBUILD,   /* uninstall first when needed */
	JOB_FORGET,    /* forget NAME/VERSION when it is built for no kernel */
	JOB_EXPLAIN,   /* find out what a build depends on, for dkms cache why */
	JOB_PACK,      /* make an archive or a package of NAME/VERSION */
	JOB_DEPMOD,    /* for a kernel, when jobs on it changed something */
};

/* In the order in which a job passes through them; a kind of job skips the states that
 * are none of its business (the table in machine.c). */
enum job_state {
	JOB_NEW,
	JOB_LOOKING,	  /* is there something to do */
	JOB_LOADING,	  /* an archive is unpacked */
	JOB_EVALUATING,	  /* bash reads the dkms.conf */
	JOB_PACKING,	  /* an archive is written, or a package's files are put together */
	JOB_PACKAGING,	  /* dpkg-deb(1) or rpmbuild(1) makes a package of them */
	JOB_DELIVERING,	  /* it goes to where it was asked for */
	JOB_REGISTERING,  /* the source is copied to the source tree and linked */
	JOB_POST_ADD,	  /* the script POST_ADD runs; so do those of the like names */
	JOB_CHECKING,	  /* can it be built */
	JOB_WAITING,	  /* for another dkms that is at the same build */
	JOB_FINGERPRINTING, /* what does the build depend on */
	JOB_RESTORING,	  /* is it in the cache: then on to JOB_FINISHING */
	JOB_COPYING,	  /* a fresh build directory */
	JOB_PATCHING,	  /* patch(1), once for each patch */
	JOB_PRE_BUILD,
	JOB_LINKING,	  /* objects that are in the cache need not be compiled */
	JOB_MAKING,
	JOB_STRIPPING,	  /* strip(1) on all modules at once */
	JOB_COLLECTING,	  /* they are taken out of the build directory and looked at */
	JOB_STORING,	  /* into the cache */
	JOB_PREPARING_SIGNATURES, /* a missing key pair is made */
	JOB_SIGNING,	  /* one command for each module, outside of the sandbox */
	JOB_FINISHING,	  /* compressed */
	JOB_POST_BUILD,
	JOB_PUBLISHING,	  /* the rename that makes them "built" */
	JOB_PRE_INSTALL,
	JOB_INSTALLING,	  /* files into the kernel's tree */
	JOB_POST_INSTALL,
	JOB_UNINSTALLING, /* files out of it, originals back */
	JOB_POST_REMOVE,
	JOB_UNPUBLISHING, /* "built" no more */
	JOB_FORGETTING,
	JOB_RUNNING_DEPMOD,
	JOB_ROLLING_BACK, /* installs of this run, when depmod failed */
	JOB_WEAK_MODULES, /* weak-modules(8) offers them to other kernels */
	JOB_MODPROBING, /* modprobe_on_install */
	JOB_CLEANING,	  /* what is temporary goes, whatever happened before */
	JOB_REPORTING,	  /* apport(1) hears of a failure */
	JOB_DISCARDING,	  /* so does what has been unpacked, */
	JOB_TIDYING,	  /* or put together for a package */
	JOB_ENDED,
};

enum job_result {
	RESULT_NONE,	 /* not ended */
	RESULT_DONE,
	RESULT_NOTHING,	 /* there was nothing to do */
	RESULT_EXCLUDED, /* BUILD_EXCLUSIVE_*: job->conf->excluded says why */
	RESULT_FAILED,	 /* job->outcome.error says why */
	RESULT_BLOCKED,	 /* a job that it needs failed; set by the plan */
	RESULT_STOPPED,	 /* never began: another one failed, and --fail-fast was given */
};

/* A time in which a job waited for a command or for work on a thread. A state may have
 * several, one after the other. */
struct job_phase {
	enum job_state state;
	uint64_t began_ns; /* CLOCK_MONOTONIC, as uv_hrtime */
	uint64_t wall_ns;  /* how long it took; 0 while it lasts */
	uint64_t cpu_ns;   /* user and system time of the command or the work */
	uint64_t max_rss_bytes; /* the largest process of the command; 0: work on a thread */
	int exit_status;   /* of the command; -1: work, or a command that did not exit */
};

/* Why jobs that have not begun are skipped. */
struct job_stop {
	int signal; /* the signal that cancels the run, or 0; running jobs end soon then
		     */
	const struct job
		*failed; /* the first job that failed, or NULL: see --fail-fast */
};

/* What the jobs of a run share. The plan owns it; all but stop is fixed when the run
 * begins. */
struct job_shared {
	const struct settings *settings;
	enum sandbox_kind sandbox; /* how commands of modules are confined */
	const char *slots_fifo;	   /* makes open it to get job slots, or NULL */
	struct cache *cache;	   /* NULL: nothing is cached */
	struct key_texts *key_texts; /* reuse/key-texts.c's; NULL without a cache */
	struct job_stop stop;
};

/* What a job is asked for. The plan sets it before the job begins. */
struct job_request {
	bool rebuild; /* JOB_BUILD and JOB_INSTALL: build even if it is built already */
	bool depends_met; /* the plan has taken care of BUILD_DEPENDS */
	/* Whether to install over a module of the kernel's own that is newer: set by the
	 * state JOB_LOOKING, from --force and from --force-version-override. */
	bool force, force_version;
	/* What the job is expected to take: CPU time (ms), and the largest resident set
	 * of one of its processes (bytes). 0: unknown. */
	uint64_t expected_ms, expected_rss_bytes;
};

/* What became of a job. Its steps fill it in; the plan and cli/ read it. */
struct job_outcome {
	enum job_result result;
	struct error error;    /* RESULT_FAILED: why */
	const char *failed_in; /* RESULT_FAILED: "make", "PRE_BUILD", ...; static */
	char *log_path;	       /* make.log of a failed or published build, or NULL */
	struct strv warnings;  /* lines about the module, for the person who runs dkms */
	struct strv notices;   /* lines about the system, which other jobs have as well */
	struct str output;     /* what the package's scripts printed */

	enum tree_state state_before; /* of the version on the kernel, before the job */
	bool built, installed, uninstalled, unbuilt; /* what this job has done */

	bool changed_kernel; /* the job added or removed files in the kernel's tree */
	struct strv added, removed; /* the paths of these files */
	char *replaced; /* the version that this one replaced on the kernel, or NULL */
	struct placed
		*replaced_files; /* the files of that version; install/install.c frees */

	bool cache_missed; /* the cache was asked, and did not have it */
	bool restored;	   /* the built modules come from the cache */
	char *linked_from; /* release of the kernel whose cached objects were linked, or
			      NULL */
	double cost_s; /* how long the build took that made the cache entry used (s) */
	double build_s;	   /* how long this build took, from checking to publishing (s) */

	uint64_t began_ns, ended_ns; /* CLOCK_MONOTONIC; 0: not yet, or never */
	struct job_phase *phases;    /* in the order in which they began */
	size_t n_phases;
};

/* What the last step asked the runner for, and what came of it. */
struct job_ask {
	struct command command;	      /* STEP_COMMAND */
	int (*work)(struct job *job); /* STEP_WORK: returns 0 or a negative errno */
	int work_result;
	uint64_t work_cpu_ns;
};

/* JOB_ADD. */
struct job_add {
	char *from;	     /* a directory to copy the source from, or NULL */
	char *archive;	     /* the archive to load the version from, or NULL */
	bool allow_existing; /* a version that is added already is no error */
	size_t n_loaded;     /* the number of kernels for which the archive had modules */
	struct load *load; /* state of the unpacking; add/load.c's, NULL outside of it */
};

/* JOB_PACK. */
struct job_pack {
	enum pack_format {
		PACK_TARBALL,
		PACK_DEB, /* of the source, or of the modules for one kernel */
		PACK_RPM, /* the same */
	} format;
	char *path; /* --archive, or NULL; a name without "/" is in NAME/VERSION/tarball/
		     */
	bool source_only, binaries_only;
	struct kernel_names kernels; /* none with source_only */
	char *archive;		 /* the file that was written, or NULL */
	struct package *package; /* pack/package.c's; NULL: none is made */
};

/* JOB_DEPMOD. */
struct job_depmod {
	struct job **members; /* the jobs on its kernel; the jobs are the plan's */
	size_t n_members;
	struct depmod *depmod;	 /* install/finish-kernel.c's, or NULL */
	unsigned int
		weak_calls; /* calls of weak-modules(8) that were considered so far */
};

struct job {
	size_t number;	    /* in its plan, from 0 */
	struct job
		*before; /* the job before it on the same kernel in its plan, or NULL */
	struct job_shared *shared;

	enum job_kind kind;
	enum job_state state;  /* only job_step() changes it */
	struct kernel *kernel; /* shared with other jobs */
	/* NULL for JOB_DEPMOD, and for a JOB_ADD that has not read them in the source
	 * yet. */
	char *name, *version;
	char *conf_path;   /* the dkms.conf; NULL until it is needed */
	struct conf *conf; /* the evaluated dkms.conf; the plan may give it */

	struct job_request request;
	struct job_outcome outcome;
	struct job_ask ask;

	struct job_add *add;	   /* JOB_ADD, else NULL */
	struct job_pack *pack;	   /* JOB_PACK, else NULL */
	struct job_depmod *depmod; /* JOB_DEPMOD, else NULL */
	struct build *build;	   /* a build that is going on; build/build.c's */
	struct reuse *reuse;     /* what it has to do with the cache; reuse/cached.c's */
	struct signing *signing; /* the same, once something is signed; steps/sign.c's */
};

/* name and version are copied, may be NULL. kernel and shared must outlive the job.
 * job_free() in builder/machine.h frees. */
struct job *job_new(enum job_kind kind, struct job_shared *shared, struct kernel *kernel,
	const char *name, const char *version);

/* What all phases of a job that has ended used: CPU time (ns), and the largest resident
 * set of a process (bytes; 0 when it ran none). */
uint64_t job_cpu_ns(const struct job *job);
uint64_t job_max_rss_bytes(const struct job *job);

/* "make", "installing": what it is at, for a person; static. */
const char *job_state_name(enum job_state state);
/* "install", "failed": in events and documents; static. */
const char *job_kind_name(enum job_kind kind);
const char *job_result_name(enum job_result result);
/* Whether it is there to build, and perhaps to install what it has built. */
static inline bool job_builds(const struct job *job)
{
	return job->kind == JOB_BUILD || job->kind == JOB_INSTALL;
}
/* The archive that the job read or wrote, borrowed; NULL: none. */
const char *job_archive(const struct job *job);
/* Whether it takes something away, for which it needs no dkms.conf. */
static inline bool job_removes(const struct job *job)
{
	return job->kind == JOB_UNINSTALL || job->kind == JOB_UNBUILD;
}
/* The job's version on its kernel; borrowed from the job. */
static inline struct version_on_kernel job_on_kernel(const struct job *job)
{
	return version_on_kernel(
		job->name, job->version, job->kernel->release, job->kernel->arch);
}
/* A module, in whatever version, on the job's kernel. */
static inline struct version_on_kernel job_module_on_kernel(
	const struct job *job, const char *name)
{
	return version_on_kernel(name, NULL, job->kernel->release, job->kernel->arch);
}
/* What to ask of the job's dkms.conf; borrowed from the job. */
struct conf_request job_conf_request(const struct job *job);
/* The kernel that it is about, or NULL: some have one for their dkms.conf only. */
const struct kernel *job_kernel(const struct job *job);

#endif
