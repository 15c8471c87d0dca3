/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_POST_BUILD_H
#define BUILDER_BUILD_POST_BUILD_H

#include "builder/job/job.h"

/* Some POST_BUILD scripts add files to NAME/VERSION/RELEASE/ARCH in the dkms tree, as zfs
 * does, or sign the modules that are in module/ there. At that time the directory is only
 * staged, and it belongs to root. So the script gets a copy of it, which stands at its
 * place and is writable. Afterwards dkms takes out what the script has added or changed.
 *
 * Without namespaces a link at NAME/VERSION/RELEASE/ARCH leads to the copy, and what was
 * there before is renamed to displaced_built_dir. The version is locked then. */

/* Copies the staged directory for POST_BUILD. Does nothing if the build has no POST_BUILD.
 * Returns 0, or a negative errno and job->outcome.error. */
int post_build_lend(struct job *job);
/* Replaces the staged directory by what POST_BUILD has made of the copy, and sets added and
 * changed of job->build. Only files and directories are taken; there is a warning about
 * others. Modules that are new or changed are looked at as after make. Returns 0, or a
 * negative errno and job->outcome.error. */
int post_build_take_back(struct job *job);
/* Without namespaces: puts back what was at RELEASE/ARCH. May be called at any time while
 * the version is locked, also for what a killed process has left. */
void post_build_restore_place(const struct build *b);
/* Shows the copy to POST_BUILD. */
void post_build_show(const struct job *job, struct sandbox *box);

#endif
