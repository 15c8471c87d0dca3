/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_JOB_PHASE_H
#define BUILDER_JOB_PHASE_H

#include "builder/job/job.h"

/* What happens in the states of a job; only the table in job.c calls these.
 *
 * An enter function begins a state, a leave function looks at how the command it asked
 * for ended. Work leaves 0 or a negative errno and fills job->outcome.error itself. */

enum phase {
	PHASE_COMMAND, /* enter: job->ask.command is to be run */
	PHASE_WORK,    /* enter: job->ask.work is to be called */
	PHASE_NEXT,    /* this state is over, or none of this job's business */
	PHASE_AGAIN,   /* leave: enter this state once more */
	PHASE_RESTART, /* leave: build once more, from a fresh copy of the source on */
	PHASE_STOP,    /* the job is over; job->outcome.result says how */
	PHASE_FAIL,    /* job->outcome.error says why */
};

enum phase look_enter(struct job *job);
enum phase evaluate_enter(struct job *job);
enum phase evaluate_leave(struct job *job, const struct outcome *outcome);

/* register.c */
enum phase register_enter(struct job *job);
enum phase post_add_enter(struct job *job);
enum phase forget_enter(struct job *job);
/* What the names of stages in the source tree begin with. */
#define SOURCE_STAGE ".dkms-"
/* Who puts a source in place and registers it holds this lock, which a descriptor stands
 * for, so that what has been put there is what is registered. Waits for it. */
int lock_sources(const struct settings *s);

/* load.c */
enum phase load_enter(struct job *job);
enum phase discard_enter(struct job *job);
void load_free(struct load *load); /* NULL is allowed */
/* 0 when what has been unpacked may take the place of a version in that state. */
int load_check_state(struct job *job, enum tree_state state);
/* Puts what has been unpacked in place and registers it; on a thread. */
int load_register_work(struct job *job);
/* Whether the archive brought no source, and there is none. */
bool load_is_sourceless(const struct job *job);

/* pack.c */
enum phase pack_enter(struct job *job);
/* Where what is packed goes: name in SUBDIR of the version, unless it was said; caller frees.
 */
char *pack_path(const struct job *job, const char *subdir, const char *name);
/* Makes the directory of job->pack->archive; 0 or a negative errno. */
int pack_make_dir(struct job *job);

/* package.c */
/* Puts a package's files together; on a thread. */
int package_assemble(struct job *job);
enum phase package_enter(struct job *job);
enum phase package_leave(struct job *job, const struct outcome *outcome);
enum phase deliver_enter(struct job *job);
enum phase tidy_enter(struct job *job);
void package_free(struct package *p); /* NULL is allowed */

/* prepare.c */
enum phase check_enter(struct job *job);
enum phase wait_enter(struct job *job);
enum phase wait_leave(struct job *job, const struct outcome *outcome);
enum phase copy_enter(struct job *job);

/* build.c */
enum phase patch_enter(struct job *job);
enum phase patch_leave(struct job *job, const struct outcome *outcome);
enum phase pre_build_enter(struct job *job);
enum phase pre_build_leave(struct job *job, const struct outcome *outcome);
enum phase make_enter(struct job *job);
enum phase make_leave(struct job *job, const struct outcome *outcome);
enum phase strip_enter(struct job *job);
enum phase strip_leave(struct job *job, const struct outcome *outcome);
enum phase post_build_enter(struct job *job);
enum phase post_build_leave(struct job *job, const struct outcome *outcome);
void build_free(struct build *build); /* NULL is allowed */
/* For the states of a build that are elsewhere: a path in the job's own directory, that
 * of a file to be published (caller frees both), and make.log (borrowed). */
char *build_path(const struct job *job, const char *name);
char *build_staged_path(const struct job *job, const char *file);
int build_log_fd(const struct job *job);

/* publish.c */
enum phase collect_enter(struct job *job);
enum phase finish_enter(struct job *job);
enum phase publish_enter(struct job *job);
enum phase clean_enter(struct job *job);

/* apport.c */
enum phase report_enter(struct job *job);

/* sign.c */
enum phase prepare_signatures_enter(struct job *job);
enum phase sign_enter(struct job *job);
enum phase sign_leave(struct job *job, const struct outcome *outcome);
/* Files that no command of a module may read: the key. */
void list_secrets(const struct job *job, struct strv *ret);
void signing_free(struct signing *signing); /* NULL is allowed */

/* cached.c */
enum phase fingerprint_enter(struct job *job);
enum phase restore_enter(struct job *job);
enum phase store_enter(struct job *job);

/* objects.c */
enum phase link_enter(struct job *job);

/* install.c */
enum phase pre_install_enter(struct job *job);
enum phase pre_install_leave(struct job *job, const struct outcome *outcome);
enum phase install_enter(struct job *job);
enum phase post_install_enter(struct job *job);
/* Calls change, which changes the kernel's tree, while no other thread and no other process
 * does. Returns what it returns, or a negative errno with the job's error filled. */
int with_kernel_locked(struct job *job, int (*change)(struct job *job));
/* Undoes an install that has replaced another version (job->replaced): that one is
 * installed as it was. Any thread. */
int install_bring_back(struct job *job);
void install_forget_replaced(struct job *job);
enum phase uninstall_enter(struct job *job);
enum phase post_remove_enter(struct job *job);
enum phase unpublish_enter(struct job *job);

/* script.c: the hooks that are meant to act on the system, outside the sandbox.
 * script_enter returns PHASE_NEXT when there is none. */
enum phase script_enter(struct job *job, const char *what, const char *script);
enum phase script_leave(struct job *job, const struct outcome *outcome);
/* Makes "DIR/SCRIPT ARGUMENTS" of a script directive, /etc/dkms/NAME/SCRIPT winning;
 * caller frees; NULL (and a warning) when it is missing or not executable. The command
 * will see dir as seen_dir. */
char *script_line(struct job *job, const char *what, const char *script, const char *dir,
	const char *seen_dir);

/* Takes the job's version out of its kernel's tree; 0 or a negative errno. */
int uninstall_work(struct job *job);

/* refresh.c */
enum phase roll_back_enter(struct job *job);
enum phase weak_modules_enter(struct job *job);
enum phase weak_modules_leave(struct job *job, const struct outcome *outcome);
enum phase modprobe_enter(struct job *job);
enum phase depmod_enter(struct job *job);
enum phase depmod_leave(struct job *job, const struct outcome *outcome);

#endif
