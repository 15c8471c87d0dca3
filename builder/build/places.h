/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_PLACES_H
#define BUILDER_BUILD_PLACES_H

#include "builder/job/job.h"

/* Commands in a sandbox see the trees where they are by default, whatever the options and
 * framework.conf say, so that a build in other trees has the same inputs and the same
 * result:
 *
 *   dkms tree     /var/lib/dkms
 *   source tree   /usr/src
 *   install tree  /lib/modules
 *   settings      /etc/dkms/NAME
 *   headers       /lib/modules/RELEASE/build leads to them. Headers outside of /usr/src,
 *                 /usr/lib and /lib that only an option has chosen (--installtree,
 *                 --kernelsourcedir) are there themselves, if no link and no Makefile of
 *                 theirs leads to another directory.
 *
 * Links at the real paths lead to these places, for makefiles that know a real path from
 * elsewhere. The exceptions, which keep their real paths: what runs without a sandbox;
 * a tree that is / or directly in it, because it may hold anything; and the trees that
 * belong in /usr/src or /lib/modules on a machine without such a directory. */

/* Sets b->places, b->mounted_places and b->paths.build_dir of the job's build, whose sandbox and
 * header_mounts are known. */
void places_choose(struct job *job);

struct build;

/* Returns the path at which the commands see path, which is an absolute path outside of
 * the sandbox. It is path itself for everything but what the above moves. The caller
 * frees it. NULL gives NULL. */
char *places_path(const struct build *b, const char *path);
/* Returns text with each such path in it replaced, where it begins a word, or follows
 * "=", a quote or the like: for command lines and variables that were made from the real
 * paths. The caller frees it. NULL gives NULL. */
char *places_text(const struct build *b, const char *text);

/* Adds to box what shows path, a file or directory outside of the sandbox, at its place,
 * and what it leads to. Nothing is added if it does not exist. */
void places_show(const struct build *b, const char *path, struct sandbox *box);

#endif
