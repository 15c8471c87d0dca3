/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_PROBES_H
#define BUILDER_BUILD_PROBES_H

#include "builder/job/job.h"

/* kbuild asks the compiler several dozen questions, its probes, before it builds a module.
 * A program that stands before the compilers answers them from a memo; builder/probes/answer.c
 * is its source. It also keeps the compilers from making debug information (debug-info.h).
 * Here is what a sandbox shows for that: JOB_DIR/probes/shown, as PROBES_SANDBOX_DIR, which
 * has the program, links to it in bin/, the memo, and the mark that no debug information is
 * made; without one of these two, nothing. */

#define PROBES_SANDBOX_DIR "/run/dkms-probes"

/* Returns JOB_DIR/probes/NAME; the caller frees. */
char *probes_path(const struct job *job, const char *name);
/* Whether the program is there, and can run where the job's directory is. */
bool probes_can_run(const struct job *job);
/* Makes JOB_DIR/probes with the program and links for the programs of these names; what was
 * there is removed. If no debug information is made, there are the mark and links for all
 * compilers in the build's $PATH. Returns 0, or a negative errno if the program is missing or could not
 * run. */
int probes_prepare(const struct job *job, const struct strv *names);
/* Appends the names of the programs in the build's $PATH that are asked: compilers, pahole. */
void probes_list_programs(const struct job *job, struct strv *ret);

/* If JOB_DIR/probes/shown has a memo, or no debug information is made, makes the command find
 * the program first in $PATH. Returns 0, or a negative errno and err if the compilers would
 * make debug information all the same. */
int probes_wrap_compilers(const struct job *job, struct command *cmd, struct sandbox *box,
	struct error *err);

/* Makes the job's command, and what the sandbox shows to it, the reference run: it lets kbuild
 * build a module of dkms's own, which has no source, and records each probe and its answer as
 * a file in JOB_DIR/probes/record. Nothing in it comes from a package. Returns 0, or a
 * negative errno: then the command must not run. */
int probes_fill_reference(struct job *job, struct command *cmd, struct trace *trace);

#endif
