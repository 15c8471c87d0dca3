/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_OBSERVED_H
#define BUILDER_REUSE_OBSERVED_H

#include "cache/manifest.h"
#include "builder/job/job.h"

struct trace;

/* What a build has looked at, and whether it is still the same.
 *
 * A build's manifest has these items, with paths as the build sees them:
 *
 *   - file, dir: each file and directory that a command of the build opened, and input:
 *     each file that the key covers already. All files of the package are inputs: builds
 *     read a copy of them, which is not traced;
 *   - link: each link that leads to one of these, or to a directory above it. Opens do not
 *     tell through which link a file was reached, so links are looked for: in each of the
 *     directories above, in those of $PATH, and in /etc/alternatives;
 *   - program: each name in $PATH that leads to one of these files, so that a program of
 *     that name in an earlier directory is noticed; the names of some programs that
 *     makefiles look for, if they are not installed; and those that the package looks
 *     for with "command -v" or the like;
 *   - exists: that there is nothing in /usr/local in the place of a file or link in /usr,
 *     as compilers and loaders look there first; and whether there is something at each
 *     path that a makefile or script of the package mentions;
 *   - fact: "processor", if /proc/cpuinfo was read or a makefile says "native"; "visible",
 *     which files the sandbox shows, if the build listed a directory that the sandbox
 *     has made; "user", which user the build is, if it may have asked; "accounts",
 *     whether that user has a line in /etc/passwd, if that was read. */

/* Makes the manifest of a build whose commands have ended. Returns 0, or a negative errno
 * and *ret_why: why the result must not be kept, such as "FILE changed while it was
 * built"; the caller frees it. */
int observed_list(const struct job *job, struct manifest *ret, char **ret_why);
/* Does the same for a command that ran nothing of the package, and was recorded by trace: only
 * the programs and other files that it opened, and how they were reached, without what
 * belongs to the kernel. They all must be of root or of the user of dkms, and nobody else may
 * write to them. */
int observed_list_tools(const struct job *job, const struct trace *trace,
	struct manifest *ret, char **ret_why);

#endif
