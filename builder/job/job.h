/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_JOB_H
#define BUILDER_JOB_JOB_H

#include <stdint.h>

#include "base/error.h"
#include "base/lock.h"
#include "builder/run/command.h"
#include "builder/run/sandbox.h"
#include "builder/run/user.h"
#include "builder/host/kernel-names.h"
#include "builder/host/kernel.h"
#include "builder/host/settings.h"
#include "builder/conf/conf.h"
#include "builder/conf/policy.h"
#include "builder/tree/build-inputs.h"
#include "builder/tree/tree.h"

/* A job does one thing to one version of a module, mostly for one kernel. It is a state
 * machine (builder/state-machine.c) that asks its runner for commands and for work on a
 * thread; it runs no command itself. */

enum job_kind {
	JOB_EVALUATE,  /* evaluates the dkms.conf and does nothing else */
	JOB_ADD,       /* adds NAME/VERSION to the tree, with a copy of its source */
	JOB_BUILD,     /* builds NAME/VERSION for the kernel */
	JOB_INSTALL,   /* installs it on the kernel; builds it first if needed */
	JOB_UNINSTALL, /* removes it from the kernel's tree */
	JOB_UNBUILD,   /* deletes what was built; uninstalls it first if needed */
	JOB_FORGET,    /* removes NAME/VERSION from the tree, if built for no kernel */
	JOB_EXPLAIN,   /* finds out what a build depends on, for dkms cache why; if there is a
			* fleet, gets its result into the local cache */
	JOB_PACK,      /* writes an archive or a package of NAME/VERSION */
	JOB_SIGN,      /* signs what is built, and installed, again */
	JOB_DEPMOD,    /* finishes a kernel whose tree other jobs have changed */
};

/* A job passes through the states in this order. The table in state-machine.c says which
 * kinds of job enter a state; the others skip it. */
enum job_state {
	JOB_NEW,         /* the job has not begun */
	JOB_READING_POLICY, /* bash evaluates the administrator's files for the package */
	JOB_LOOKING,     /* checks whether the version is in the tree, and what to do */
	JOB_LOADING,     /* unpacks the archive that is added */
	JOB_EVALUATING,  /* bash evaluates the dkms.conf */
	JOB_PACKING,     /* writes an archive, or assembles the files of a package */
	JOB_PACKAGING,   /* dpkg-deb(1) or rpmbuild(1) makes a package of these files */
	JOB_DELIVERING,  /* copies the package to its destination */
	JOB_REGISTERING, /* copies the source to the source tree, links it in the tree */
	JOB_POST_ADD,    /* runs the script POST_ADD */
	JOB_CHECKING,    /* checks whether the version can be built for the kernel */
	JOB_WAITING,     /* waits for another dkms process that does the same build */
	JOB_FINGERPRINTING, /* finds out what the build depends on: its cache key */
	JOB_ASKING,         /* asks a remote cache for what the local one does not have */
	JOB_RESTORING,      /* takes the built modules from the cache */
	JOB_COPYING,        /* makes a build directory with a copy of the source */
	JOB_PROBING,        /* asks the compiler what makefiles ask it, for later builds */
	JOB_KEEPING_PROBES, /* stores its answers in the cache */
	JOB_PATCHING,       /* runs patch(1), once for each patch */
	JOB_PRE_BUILD,      /* runs the script PRE_BUILD */
	JOB_LINKING,    /* puts cached objects in place, which make need not compile */
	JOB_MAKING,     /* runs make */
	JOB_CHECKING_OBJECTS, /* checks whether make could use the cached objects */
	JOB_STRIPPING,  /* runs strip(1), once for all modules */
	JOB_COLLECTING, /* copies the modules out of the build directory, checks them */
	JOB_STORING,    /* stores the modules in the cache */
	JOB_TAKING_BUILT, /* copies what is built, to sign it again */
	JOB_PREPARING_SIGNATURES, /* makes the key pair for signing if it is missing */
	JOB_SIGNING,        /* runs one command for each module, outside the sandbox */
	JOB_COMPRESSING,    /* compresses the modules */
	JOB_POST_BUILD,     /* runs the script POST_BUILD */
	JOB_PUBLISHING,     /* renames the modules into the tree: they are built */
	JOB_PRE_INSTALL,    /* runs the script PRE_INSTALL */
	JOB_INSTALLING,     /* copies the modules into the kernel's tree */
	JOB_POST_INSTALL,   /* runs the script POST_INSTALL */
	JOB_REPLACING,      /* replaces what is built and installed by what was signed */
	JOB_UNINSTALLING,   /* removes them from the kernel's tree, restores originals */
	JOB_POST_REMOVE,    /* runs the script POST_REMOVE */
	JOB_UNPUBLISHING,   /* deletes the built modules from the tree */
	JOB_FORGETTING,     /* removes the version from the tree */
	JOB_RUNNING_DEPMOD, /* runs depmod(8) for the kernel */
	JOB_ROLLING_BACK,   /* undoes the installs of this run after depmod failed */
	JOB_WEAK_MODULES,   /* runs weak-modules(8), for other kernels */
	JOB_FINDING_DEVICES, /* lists the machine's devices: modprobe_on_install */
	JOB_MODPROBING,     /* loads the modules that devices need: modprobe_on_install */
	JOB_FINISHING,      /* writes the kernel's tree to disk; nothing is unfinished */
	JOB_CLEANING_BUILD, /* removes the build directory, also after a failure; this
			     * state and those after it are entered even if the job has
			     * failed */
	JOB_REPORTING,      /* reports a failed build to apport(1) */
	JOB_CLEANING_LOAD,  /* removes the unpacked archive */
	JOB_CLEANING_PACKAGE, /* removes the files that were assembled for a package */
	JOB_ENDED,            /* the job is over */
};

enum job_result {
	RESULT_NONE,     /* the job has not ended */
	RESULT_DONE,     /* the job succeeded */
	RESULT_NOTHING,  /* there was nothing to do */
	RESULT_EXCLUDED, /* BUILD_EXCLUSIVE_* or dkms skip; job_why_excluded() says why */
	RESULT_FAILED,   /* job->outcome.error says why */
	RESULT_BLOCKED,  /* a job that it needs has failed; set by the plan */
	/* Ended early because the run was cancelled, or never begun, for the same reason or
	 * because another job failed: --fail-fast. job_has_begun() tells which. */
	RESULT_STOPPED,
};

/* A span of time in which a job waited for one command or for one piece of work on a
 * thread. A state may have several, one after the other. */
struct job_phase {
	enum job_state state;
	uint64_t began_ns;      /* CLOCK_MONOTONIC, which uv_hrtime() uses as well */
	uint64_t wall_ns;       /* elapsed time; 0 while the phase lasts */
	uint64_t cpu_ns;        /* user and system time of the command or of the work */
	uint64_t max_rss_bytes; /* of the largest process of the command; 0 for work */
	int exit_status;        /* of the command; -1: it did not exit, or work */
};

/* Why jobs that have not begun are skipped. */
struct job_stop {
	int signal; /* that cancelled the run, or 0; running jobs are ended as well */
	const struct job *failed; /* the first job that failed: --fail-fast; or NULL */
};

/* What the jobs of a run share. The plan owns it. Everything except stop and plain_text is
 * fixed when the run begins. */
struct job_shared {
	const struct settings *settings;
	enum sandbox_kind sandbox; /* how the commands of modules are confined */
	bool own_users; /* each job's commands run as a user of its own: run/user.h */
	bool can_trace; /* what confined commands open can be recorded: run/trace.h */
	bool shows_others; /* builds see other packages: build/others.h */
	struct cache *cache;    /* NULL if the cache is off */
	struct key_texts *key_texts; /* reuse/key-texts.c's; NULL if the cache is off */
	struct fleet *fleet;         /* reuse/fleet.h: a remote cache; NULL: there is none */
	struct purl_cache *purls;    /* host/purl.h: the packages of files; may be NULL */
	/* The text of the last plain dkms.conf, since the jobs for one package follow each
	 * other: steps/plain-conf.c's; only the thread of the event loop uses it. Or NULL. */
	struct plain_text *plain_text;
	struct job_stop stop;
};

/* What a job is asked to do. The plan fills it in before the job begins. */
struct job_request {
	bool rebuild; /* JOB_BUILD and JOB_INSTALL: build even if it is built already */
	/* JOB_INSTALL: install again what counts as installed, because files are gone */
	bool reinstall;
	/* with rebuild: why what is built is stale, "its source has changed"; or NULL */
	const char *stale;
	bool depends_met; /* the plan has taken care of BUILD_DEPENDS */
	/* Install even over a newer module: force ignores all checks, force_version only
	 * the comparison of versions. JOB_LOOKING sets both, from --force,
	 * --force-version-override and the like, and from the force list. */
	bool force, force_version;
	/* Estimates from earlier runs: CPU time (ms), and the largest resident set of one
	 * of the job's processes (bytes). 0: unknown. */
	uint64_t expected_ms, expected_rss_bytes;
};

/* What came of a job. Its states fill it in; the plan and cli/ read it. */
struct job_outcome {
	enum job_result result;
	struct error error;    /* RESULT_FAILED: why */
	const char *failed_in; /* RESULT_FAILED: "make", "PRE_BUILD", ...; static */
	char *log_path;        /* make.log of a failed or published build, or NULL */
	char *skipped; /* why an install is left out: by dkms skip; or NULL */
	struct strv warnings;  /* about this module; cli/ prints them */
	struct strv notices;   /* about the system; other jobs may have the same ones */
	struct str output;     /* what the package's scripts printed */

	enum tree_state state_before; /* of the version on the kernel, before the job */
	bool signed_again; /* what was built before has new signatures */
	bool built, installed, uninstalled, unbuilt; /* what this job has done */

	bool registered;     /* the version was added to the dkms tree */
	bool changed_kernel; /* the job added or removed files in the kernel's tree */
	struct strv added, removed; /* the paths of these files */
	struct strv saved, saved_from; /* foreign files that this install has moved to the dkms
					* tree, and the paths there of each */
	struct strv moved; /* the paths there of the kernel's own modules, moved to the
			    * dkms tree or back, and of replaced files */
	char *replaced; /* the version that this one replaced on the kernel, or NULL */
	struct destinations *replaced_files; /* that version's files, or NULL;
					      * install_free_replaced() frees */

	size_t compiler_warnings; /* in the log of this build */
	bool cache_missed; /* the cache was searched and had no entry for the build */
	bool restored;     /* the built modules were taken from the cache */
	char *signers; /* restored: who signed them, if a remote cache had them; or NULL */
	char *linked_from; /* the release of the kernel whose cached objects were used,
			    * or NULL */
	char *not_kept;    /* why the build was not stored in the cache, although it could
			    * have been: "source: m.c changed while it was built"; or NULL */
	double cost_s;     /* how long the build took that made the cache entry (s) */
	double build_s;    /* how long this build took, from JOB_CHECKING to
			    * JOB_PUBLISHING (s) */

	uint64_t began_ns, ended_ns; /* CLOCK_MONOTONIC; 0: not begun, not ended */
	struct job_phase *phases;    /* in the order in which they began */
	size_t n_phases;
};

/* What the last step asked the runner for, and the result of work. */
struct job_ask {
	struct command command;       /* for STEP_COMMAND */
	struct user user; /* whom the evaluation of a dkms.conf runs as; see run/user.h */
	int (*work)(struct job *job); /* for STEP_WORK: returns 0 or a negative errno */
	int work_result;              /* what work returned */
	uint64_t work_cpu_ns;         /* the CPU time that work took */
	bool again; /* work: the state is to be entered again */
	char *busy; /* who holds the lock that the job has found locked, or NULL */
	/* Of a job that waits for a lock: who holds it. Only job_step() changes these. */
	char *waits_for;
	bool waits;   /* the last step was STEP_WAIT */
	bool told;    /* the user was told of the wait */
	bool is_news; /* the last step was not a further try of the same */
};

/* The part of a job that only JOB_ADD has. */
struct job_add {
	char *from;          /* the directory from which the source is copied, or NULL */
	char *archive;       /* the archive from which the version is loaded, or NULL */
	bool allow_existing; /* it is no error if the version is added already */
	bool refreshed;      /* the source of a version that was added was copied again */
	size_t n_loaded;     /* the number of kernels for which modules were loaded */
	struct load *load;   /* the state of loading an archive; add/load.c's, or NULL */
	struct lock lock;    /* held from the mark that POST_ADD has to run to its end */
};

/* The part of a job that only JOB_PACK has. */
struct job_pack {
	enum pack_format {
		PACK_TARBALL,
		PACK_DEB, /* a Debian package of the source or of one kernel's modules */
		PACK_RPM, /* an RPM package, of the same */
	} format;
	char *path; /* --archive, or NULL; a name without "/" is a file in
		     * NAME/VERSION/tarball, /deb or /rpm */
	bool source_only, binaries_only;
	struct kernel_names kernels; /* whose modules are packed, without source_only */
	char *archive;               /* the path of the file that is written, or NULL */
	struct package *package; /* the state of making a package; pack/package.c's; NULL
				  * for a tarball */
};

/* The part of a job that only JOB_DEPMOD has. */
struct job_depmod {
	struct job **members; /* the other jobs on its kernel; the plan owns the jobs */
	size_t n_members;
	/* Runs depmod(8) for what is installed while other modules are still built, and does
	 * nothing else: a second job finishes the kernel. This job has no members. */
	bool early;
	uint64_t early_ns; /* when the last early job was added, CLOCK_MONOTONIC; or 0 */
	unsigned int n_early; /* how many there were */
	struct depmod *depmod;   /* install/finish-kernel.c's, or NULL */
	struct strv aliases; /* the module aliases of the machine's devices */
	unsigned int weak_calls; /* how many calls of weak-modules(8) were considered */
};

struct job {
	size_t number;      /* its index in the plan */
	struct job *before; /* the previous job on the same kernel in the plan, or NULL */
	struct job_shared *shared;

	enum job_kind kind;
	enum job_state state;  /* only job_step() changes it */
	struct kernel *kernel; /* borrowed; other jobs use it too, under kernel->lock */
	/* NULL for JOB_DEPMOD, and for a JOB_ADD until the dkms.conf has told them. */
	char *name, *version;
	char *conf_path;   /* the path of the dkms.conf; NULL until it is known */
	struct conf *conf; /* the evaluated dkms.conf, or NULL; the plan may set it */
	bool cancelled;    /* the run was cancelled, and the job ends because of that */
	bool conf_writes;  /* its evaluation writes beside it: see steps/conf-copy.h */
	unsigned int lost_mounts; /* how often a sandbox could not be made: state-machine.c */

	struct policy policy; /* how dkms treats the package; the plan may set it */

	char *jobserver_fifo; /* the path of the named pipe from which its makes get job
			       * slots, which exists while a command runs; or NULL */
	struct job_request request;
	struct job_outcome outcome;
	struct job_ask ask;
	/* while a script runs in the source: what stat(2) said of that before; n is 0 if
	 * nothing is known */
	struct file_stats source_before;

	struct job_add *add;       /* NULL unless kind is JOB_ADD */
	struct job_pack *pack;     /* NULL unless kind is JOB_PACK */
	struct job_depmod *depmod; /* NULL unless kind is JOB_DEPMOD */
	struct build *build; /* the build that is going on, or NULL; build/build.c's */
	struct reuse *reuse; /* what that build has to do with the cache, or NULL;
			      * reuse/cached.c's */
	struct fleet_ask *fleet; /* what it asks a remote cache, or NULL; reuse/fleet.c's */
	struct signing *signing; /* the signing of its modules, or NULL; steps/sign.c's */
};

/* Returns a job in the state JOB_NEW; job_free() in builder/state-machine.h frees. name
 * and version are copied and may be NULL. kernel and shared must outlive the job. */
struct job *job_new(enum job_kind kind, struct job_shared *shared, struct kernel *kernel,
	const char *name, const char *version);

/* Return how the commands of the job's module are confined, and whether they run as a user of
 * their own: as the machine can and the settings say, or the policy of the package. */
enum sandbox_kind job_sandbox(const struct job *job);
bool job_own_users(const struct job *job);
/* Whether these commands are to be without a filter of system calls, too. */
bool job_is_unfiltered(const struct job *job);
/* Appends the paths that the settings and the policy show to the commands of the module. */
void job_list_sandbox_paths(const struct job *job, struct strv *ret);

/* Tries to lock what, a path, by lock_try(). Returns 0, or -EAGAIN if it is locked: then
 * the caller returns TRANSITION_WAIT or, from work, -EAGAIN; or another negative errno and
 * job->outcome.error. */
int job_try_lock(struct job *job, const char *what, struct lock *ret);
/* Notes that what is locked, and returns -EAGAIN for the caller to return. */
int job_note_locked(struct job *job, const char *what);

/* Takes a user for commands of the job's module, if jobs have users of their own, and makes
 * a control group if their memory is limited. Does nothing where there is one already. Returns
 * 0, or a negative errno and job->outcome.error. user_give() gives both back. */
int job_take_user(struct job *job, struct user *ret);

/* Returns the CPU time that all phases of a job used (ns). */
uint64_t job_cpu_ns(const struct job *job);
/* Returns the largest resident set of one process in all phases of a job (bytes); 0 if
 * the job ran no command. */
uint64_t job_max_rss_bytes(const struct job *job);

/* Return names for people and for documents, all of them static: "make" or "conf" for a
 * state, "install" for a kind, "failed" for a result; "" for what has no name. */
const char *job_state_name(enum job_state state);
/* Returns the title that the caches give to what the job builds, "NAME/VERSION RELEASE ARCH"; the
 * caller frees. */
char *job_built_title(const struct job *job);
const char *job_kind_name(enum job_kind kind);
const char *job_result_name(enum job_result result);

/* Returns whether the job has run a command or done any work. */
static inline bool job_has_begun(const struct job *job)
{
	return job->outcome.n_phases > 0;
}
/* Returns whether the job builds, and perhaps installs what it has built. */
static inline bool job_builds(const struct job *job)
{
	return job->kind == JOB_BUILD || job->kind == JOB_INSTALL;
}
/* Returns whether the job uninstalls, and perhaps deletes what was built. Such a job does
 * not need a dkms.conf. */
static inline bool job_removes(const struct job *job)
{
	return job->kind == JOB_UNINSTALL || job->kind == JOB_UNBUILD;
}
/* Returns whether the job cannot go on if the dkms.conf is missing or bad. */
static inline bool job_needs_conf(const struct job *job)
{
	return !job_removes(job) && job->kind != JOB_SIGN;
}
/* Returns the job's version on its kernel. The strings belong to the job. */
static inline struct version_on_kernel job_on_kernel(const struct job *job)
{
	return version_on_kernel(
		job->name, job->version, job->kernel->release, job->kernel->arch);
}
/* Returns any version of the module name on the job's kernel: version is NULL. The
 * strings belong to the job and the caller. */
static inline struct version_on_kernel job_module_on_kernel(
	const struct job *job, const char *name)
{
	return version_on_kernel(name, NULL, job->kernel->release, job->kernel->arch);
}
/* Returns whether the hooks and autoinstall do not count a failure of the job:
 * on_failure=warn. */
bool job_may_fail(const struct job *job);
/* Returns why the job has the result RESULT_EXCLUDED; it belongs to the job. */
const char *job_why_excluded(const struct job *job);
/* Returns the archive that the job reads or writes, or NULL. It belongs to the job. */
const char *job_archive(const struct job *job);
/* Returns the request to evaluate the job's dkms.conf. The strings belong to the job. */
struct conf_request job_conf_request(const struct job *job);
/* Returns the kernel that the job works for. NULL for JOB_ADD and JOB_PACK, which use
 * job->kernel only to evaluate the dkms.conf. */
const struct kernel *job_kernel(const struct job *job);

#endif
