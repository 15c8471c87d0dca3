/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_PROBE_MEMO_H
#define BUILDER_REUSE_PROBE_MEMO_H

#include "builder/job/job.h"
#include "builder/job/transition.h"

/* The memo of compilers' answers to kbuild's probes (builder/build/probes.h), which is an
 * entry of the cache.
 *
 * What may fill it: only a reference run, in which kbuild builds a module of dkms's own. What
 * a package's build can write must never answer another package's probes. All files that the
 * reference run opens, kbuild's own among them, must be writable by root alone.
 *
 * When it is right: the entry has the manifest of the reference run, that is the digest of
 * each file that the compilers opened, and of each program that ran. A memo is used only while
 * all of these are as they were; a compiler that was replaced is another compiler. A build that
 * had a memo has this manifest in its own, as if it had run these programs itself.
 *
 * When it is found: its key has what changes the questions: kbuild's makefiles and scripts, the
 * kernel's configuration without its texts, the compiler, $PATH. Kernels that have these in
 * common share a memo. The key need not be exact: a question that is not in the memo goes to
 * the compiler.
 *
 * When it is made: a reference run takes about as long as two builds gain by it. So the first
 * build that finds none only leaves a note in the cache, and the next one, of any package, makes
 * it. Other builds do not wait for it.
 *
 * Builds that are not traced, or not kept in the cache, and those with --force, have none. */
struct probe_memo;

/* Looks for a memo for the job, whose build directory is being made, and shows it to the job's
 * commands. From any thread. */
void probe_memo_find(struct job *job);
/* JOB_PROBING: the reference run */
enum transition probe_enter(struct job *job);
enum transition probe_leave(struct job *job, const struct outcome *outcome);
/* JOB_KEEPING_PROBES: stores its memo */
enum transition keep_probes_enter(struct job *job);
/* Adds what the answers depend on to the manifest of the build. */
void probe_memo_add_inputs(const struct job *job, struct manifest *m);
/* NULL is allowed. */
void probe_memo_free(struct probe_memo *p);

/* The titles of its entries in the cache begin with this. */
#define PROBE_MEMO_TITLE "probes "

#endif
