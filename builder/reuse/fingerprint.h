/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FINGERPRINT_H
#define BUILDER_REUSE_FINGERPRINT_H

#include "builder/job/job.h"
#include "builder/reuse/key-texts.h"

/* The key of a build: everything that a build can read is in the key, or the sandbox
 * hides it (build_fill_sandbox()), or the list below says why it is in neither. The parts
 * of the key:
 *
 *   format       the version of this key's format
 *   kernel       its release and architecture, and the paths of its headers and its
 *                configuration
 *   headers      every file of the first directory that header_trees_list() returns;
 *                headers-2 is for the second directory, and so on
 *   kernel-files other files of the kernel that the build sees
 *   config       the configuration of the kernel, line by line
 *   source       every file of the package
 *   overrides    the administrator's files in /etc/dkms/NAME
 *   conf         what the evaluated dkms.conf says
 *   depends      of the packages in BUILD_DEPENDS: version, symbols, source
 *   environment  the environment variables of the build
 *   tools        compilers and other programs that builds run, by path and content
 *   packages     the installed packages by name, version and architecture, configured or
 *                not
 *   system       of the machine: processor, files in /etc
 *   outside      files in /usr/local, /opt and sandbox_paths, and in / itself, by mode and
 *                content
 *   running-kernel  without a sandbox: what uname says
 *   sandbox      how the build is confined, and the paths at which it sees directories
 *
 * A build can read these things although they are not in the key, because no result
 * depends on them, or none that could be cached:
 *
 *   - times, owners and extended attributes of files; FIFOs and devices; the argument of
 *     -j; the path of the source;
 *   - the user that runs dkms, resource limits (ulimit), the time zone, the number of
 *     processors;
 *   - whatever is different each time: the clock, random numbers, free disk space, and
 *     most of /proc;
 *   - files that programs need to run at all (runtime_files[] in run/sandbox.c), and the
 *     directory of ccache;
 *   - files below /usr, except for tools and /usr/local: they are assumed to be those of
 *     the packages, whose versions are in "packages". The same is true where a link from
 *     elsewhere leads to a directory below /usr;
 *   - the entries of the package database for packages of kernels and modules, and the
 *     links to kernels in /;
 *   - the running kernel and the NIS domain, as the system call uname(2) tells them, and
 *     the uname of busybox (builder/build/constants.h); so a hit may have been built
 *     while another kernel was running;
 *   - the content of files in / that only their owner may read, such as swap files;
 *   - the names of what is hidden, such as people's own directories in /;
 *   - the content of the files include/config/OPTION in the headers, of which only the
 *     names matter;
 *   - without a sandbox, everything that a sandbox hides. */

/* Returns why the cache cannot serve the job, or NULL if it can. The text belongs to the
 * job. */
const char *fingerprint_find_obstacle(const struct job *job);
/* Makes the key of the job's build. Parts that many jobs have in common are made once for
 * the run, but with afresh they are made again. The key borrows from the texts, which
 * must live longer. From any thread. Returns 0, or a negative errno and err. */
int fingerprint_build(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *ret, struct error *err);

#endif
