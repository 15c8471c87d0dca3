/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_FINGERPRINT_H
#define BUILDER_FINGERPRINT_H

#include "builder/build.h"
#include "cache/key.h"
#include "cache/statcache.h"

/* What a build depends on, as a key: whatever it may read is either in there or hidden from
 * it by the sandbox (build_sandbox). The parts:
 *
 *   format       of this file
 *   kernel       release, architecture, where its headers are
 *   headers      every file of the trees that kernel_trees() names
 *   config       the kernel's, line by line
 *   source       every file of the package
 *   overrides    what the administrator has in /etc/dkms/NAME
 *   conf         what the dkms.conf says, evaluated
 *   depends      the packages of BUILD_DEPENDS: version, symbols, source
 *   environment  the variables that the build gets
 *   tools        compilers and what else builds run, by path and content
 *   system       the machine's packages, processor, running kernel, /etc files
 *   sandbox      how it is confined, and the paths that it sees
 *
 * Times, owners, -j and the path of the source are in none of them. */

/* What the jobs of a run share. */
struct fingerprints;
struct fingerprints *fingerprints_new(struct statcache *stats);
void fingerprints_free(struct fingerprints *f); /* NULL is allowed */

/* Whether a cache may serve the job; static text why not, or NULL. */
const char *fingerprint_obstacle(const struct job *job);
/* Makes the key. What is the same for many jobs is made once for the run, unless afresh;
 * the key borrows from f and lives no longer. From any thread. 0 or a negative errno. */
int fingerprint_job(struct fingerprints *f, const struct job *job, bool afresh,
	struct key *ret);

#endif
