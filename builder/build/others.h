/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_OTHERS_H
#define BUILDER_BUILD_OTHERS_H

#include "builder/job/job.h"

/* Some modules need what other packages bring: the source of another module in the source
 * tree, its Module.symvers there, or a module that is installed for the same kernel. Builds
 * see these read-only: the entries of the source tree but for the headers of kernels, and
 * of the kernel's directory in the install tree what is installed, and the lists of depmod.
 *
 * What a build reads there is in its manifest like any other file, so this is shown only
 * where builds can be traced; job->shared->shows_others. Elsewhere it stays hidden, because
 * every installed module would be in the key of every other one. Files that only root can
 * read stay unreadable, since builds run as users of their own, and links that lead to
 * hidden directories lead nowhere. */

/* Whether the source tree has so few packages that a build can see them all: each is a mount,
 * whose time grows with the number of the others, and bubblewrap takes at most 9,000 arguments. If
 * not, appends a warning, unless warnings is NULL. */
bool others_are_few(const char *source_tree, struct strv *warnings);
/* Adds to box what shows them. */
void others_show(const struct job *job, struct sandbox *box);
/* Whether path, as the build sees it, is one of the two directories, of which the build
 * sees only a part. */
bool others_is_partial(const struct job *job, const char *path);
/* Whether the build sees the entry name of such a directory. */
bool others_shows_entry(const struct job *job, const char *path, const char *name);
/* Whether path, as the build sees it, is in what is shown. */
bool others_shows(const struct job *job, const char *path);
/* Appends the paths, below the kernel's directory, of the files of a module that did not
 * come with the kernel, each on a line. They are as they were at the first call for the
 * job's build, or the first since others_forget_modules(). */
void others_find_module(const struct job *job, const char *name, struct str *ret);
void others_forget_modules(const struct job *job);

#endif
