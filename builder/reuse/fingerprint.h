/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FINGERPRINT_H
#define BUILDER_REUSE_FINGERPRINT_H

#include "builder/job/job.h"
#include "builder/reuse/key-texts.h"

/* What a build depends on, as a key: whatever it may read is either in there or hidden
 * from it by the sandbox (build_fill_sandbox). The parts:
 *
 *   format       of this file
 *   kernel       release, architecture, where its headers are
 *   headers      every file of the first tree that header_trees_list() names; headers-2 of the
 *                second one, and so on
 *   kernel-files what else of the kernel the build sees
 *   config       the kernel's, line by line
 *   source       every file of the package
 *   overrides    what the administrator has in /etc/dkms/NAME
 *   conf         what the dkms.conf says, evaluated
 *   depends      the packages of BUILD_DEPENDS: version, symbols, source
 *   environment  the variables that the build gets
 *   tools        compilers and what else builds run, by path and content
 *   system       the machine's packages, processor, running kernel, /etc files
 *   outside      files in /usr/local, /opt and sandbox_paths, and in / itself, by their stat data
 *   sandbox      how it is confined, and the paths that it sees
 *
 * What a build can read and is in none of them, since nothing is made of it, or nothing
 * that could be kept:
 *
 *   - times, owners and extended attributes of files, fifos and devices among them; -j and the
 *     path of the source;
 *   - who runs dkms, limits (ulimit), the time zone and the number of processors;
 *   - what is another thing each time: the clock, random numbers, free space, and most of /proc;
 *   - what programs need to run at all (plumbing[] in sandbox.c), and ccache's directory;
 *   - files below /usr, except for tools and /usr/local: they are taken to be what the packages
 *     brought, whose versions are in "system", also where a link leads to a directory there;
 *   - of packages of kernels and modules, what the packages' databases say of them, and links to
 *     kernels in /;
 *   - names of what is hidden, such as people's own directories in /;
 *   - the content of a header's include/config/OPTION, which is there for its name;
 *   - without a sandbox, all that is hidden otherwise. */

/* Whether a cache may serve the job; text why not, which belongs to the job, or NULL. */
const char *fingerprint_obstacle(const struct job *job);
/* Makes the key. What is the same for many jobs is made once for the run, unless afresh;
 * the key borrows from texts and lives no longer. From any thread. 0, or a negative errno
 * and err. */
int fingerprint_build(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *ret, struct error *err);

#endif
