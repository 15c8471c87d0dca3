/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_JOB_H
#define BUILDER_JOB_JOB_H

#include <stdint.h>

#include "base/error.h"
#include "builder/run/command.h"
#include "builder/run/sandbox.h"
#include "builder/host/kernel.h"
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
 * are none of its business (the table in job.c). */
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
	RESULT_FAILED,	 /* job->error says why */
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

/* What the jobs of a run share. */
struct job_shared {
	const struct settings *settings;
	enum sandbox_kind sandbox;
	struct cache *cache; /* NULL: none */
	struct fingerprints *fingerprints; /* with a cache */
	const char *slots_fifo; /* makes open it for job slots; or NULL */
	const struct job *failed; /* the first one that did, or NULL */
	int cancelled; /* the signal that cancels the run, or 0; jobs end soon then */
};

/* What JOB_PACK packs. */
struct pack {
	enum pack_format {
		PACK_TARBALL,
		PACK_DEB, /* of the source, or of the modules for one kernel */
		PACK_RPM, /* the same */
	} format;
	char *path; /* --archive, or NULL; a bare name is one in NAME/VERSION/tarball/ */
	bool source_only, binaries_only;
	struct strv kernels; /* "RELEASE/ARCH", unless source_only */
};

struct placed; /* builder/install/destinations.h */

struct job {
	size_t number; /* in its plan, from 0 */
	struct job *before; /* in its plan, the one on the same kernel before it, or NULL */
	enum job_kind kind;
	enum job_state state;
	enum job_result result;
	struct job_shared *shared;
	struct kernel *kernel; /* shared with other jobs */
	char *name, *version;  /* NULL: a depmod, or an add that will find out */
	char *conf_path;       /* the dkms.conf to evaluate */
	char *add_from;	       /* JOB_ADD: a directory to copy the source from, or NULL */
	bool known_is_fine;    /* JOB_ADD: a module that is added already is no error */
	/* JOB_ADD: the archive to load the module from, or NULL. JOB_PACK: the one written */
	char *archive;
	size_t n_loaded;       /* JOB_ADD: kernels for which the archive had modules */
	struct pack pack;      /* JOB_PACK */
	struct job **members;  /* JOB_DEPMOD: jobs on its kernel; borrowed */
	size_t n_members;

	/* What it is going to take, as far as the plan can tell: CPU time, and bytes of its
	 * largest process; 0: unknown. */
	uint64_t expected_ms, expected_rss_bytes;

	bool rebuild;	       /* JOB_INSTALL, JOB_BUILD: build also what is built */

	enum state was;	       /* before the job */
	bool force;	       /* as --force, where it is about installing */
	bool force_version;    /* as --force-version-override */
	bool depends_met;      /* the plan has seen to BUILD_DEPENDS */
	struct conf *conf;     /* may be given; evaluated otherwise */
	struct error error;
	const char *failed_in; /* "make", "PRE_BUILD", ...: for RESULT_FAILED; static */
	char *log_path;	       /* make.log of a failed or published build */
	struct strv warnings;  /* a line each, for whoever runs this */
	struct strv notices;   /* the same, about the system: other jobs have them too */
	struct str output;     /* what the scripts of the package printed */
	bool changed_kernel;   /* files came into or went out of the kernel's tree */
	struct strv placed;    /* the paths of those that came, */
	struct strv taken;     /* and of those that went */
	bool built, installed, uninstalled, unbuilt; /* what this job has done */
	char *replaced;	       /* the version that it has replaced on the kernel, or NULL */
	struct placed *replaced_files; /* and what that had there; install.c's */
	bool missed;	       /* the cache did not have it */
	bool restored;	       /* built is what it got from the cache */
	char *linked_from;     /* the kernel whose objects it was linked from, or NULL */
	double cost_s;	       /* and what it took to make that, or those objects */
	double build_s;	       /* from checking to published */
	uint64_t began_ns, ended_ns; /* CLOCK_MONOTONIC; 0: not yet, or never */
	struct job_phase *phases;    /* in order */
	size_t n_phases;

	/* The request that the last step made. */
	struct command command;
	int (*work)(struct job *job);
	int work_result;
	uint64_t work_cpu_ns;

	struct build *build;	 /* state of a build; build.c's */
	struct signing *signing; /* the same; sign.c's */
	struct depmod *depmod;	 /* JOB_DEPMOD; refresh.c's, and this: */
	unsigned int weak_calls; /* of weak-modules, that have been thought of */
	struct load *load;	 /* JOB_ADD of an archive; load.c's */
	struct package *package; /* JOB_PACK, when one is made; package.c's */
};

enum job_step {
	STEP_COMMAND, /* run job->command, then step again with its outcome */
	STEP_WORK,    /* call job_work from any thread, then step again */
	STEP_ENDED,   /* job->result is set */
};

/* 0 when name/version is in the dkms tree and not broken; else a negative errno, with
 * status 3 or 4. */
int job_check_known(const struct settings *s, const char *name, const char *version,
	struct error *err);

/* name and version are copied, may be NULL. kernel and shared must outlive the job. */
struct job *job_new(enum job_kind kind, struct job_shared *shared, struct kernel *kernel,
	const char *name, const char *version);
void job_free(struct job *job);

enum job_step job_step(struct job *job, const struct outcome *last);
void job_work(struct job *job);

/* What all phases of a job that has ended used: CPU time (ns), and the largest resident set
 * of a process (bytes; 0 when it ran none). */
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
/* The kernel that it is about, or NULL: some have one for their dkms.conf only. */
const struct kernel *job_kernel(const struct job *job);

#endif
