/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_REUSE_FINGERPRINT_H
#define BUILDER_REUSE_FINGERPRINT_H

#include "builder/job/job.h"
#include "builder/reuse/key-texts.h"

/* The key of a build. Where builds can be traced (run/trace.h), it is a primary key: it has
 * what is cheap to find out and always matters. What else a build has looked at is in the
 * manifest of its result (observed.h), and the result is used again only if that is
 * unchanged. The parts of the primary key:
 *
 *   format       the version of this key's format
 *   kernel       its release and architecture, and the paths of its headers and its
 *                configuration
 *   headers      every file of the first directory that header_trees_list() returns;
 *                headers-2 is for the second directory, and so on
 *   kernel-files other files of the kernel that the build sees
 *   config       the configuration of the kernel, line by line
 *   source       every file of the package, and which of them are newer than objects
 *                that it brings along (file-times.h)
 *   overrides    the administrator's files in /etc/dkms/NAME
 *   conf         what the evaluated dkms.conf says
 *   depends      of the packages in BUILD_DEPENDS: version, symbols, source
 *   environment  the environment variables of the build; of PATH not the usual directories
 *   sandbox      whether the build is confined, and the paths at which it sees directories
 *   debug-info   whether the compilers make it, or may leave it out: builder/build/debug-info.h
 *
 * Where they cannot be traced, everything that a build might read is in the key, in these
 * further parts, and there is no manifest:
 *
 *   tools        compilers and other programs that builds run, by path and content
 *   packages     the installed packages by name, version and architecture, configured or
 *                not
 *   system       of the machine: processor, files in /etc, files in /sys
 *   outside      files in /usr/local, /opt and sandbox_paths, and in / itself, by mode and
 *                content
 *   session      all of PATH, and which user the build is: nobody, root or another
 *   running-kernel  what uname says, without a sandbox
 *
 * What a trace does not tell, and what follows from it:
 *
 *   - That a build asked for a file that does not exist, or for the times, owner or mode
 *     of one without opening it. If the file comes into being later, a result may be used
 *     that a new build would not make. It is noticed where it matters (observed.h): a
 *     program in an earlier directory of $PATH, a file in /usr/local before that in /usr,
 *     programs that makefiles do without, a path that the package's makefiles and scripts
 *     spell out, and everything in the source and the headers. It is not noticed if they
 *     put the path together, or if a program looks for files of its own.
 *     So it is with the packages of others (build/others.h): noticed if a path in the
 *     source tree is spelled out up to a variable or wildcard, if the variable of the
 *     source tree is used, and for modules whose file names are spelled out.
 *   - Which user a build is, if it asks by getuid(2) itself. It is noticed if it runs a
 *     program that is used to ask, and if the package's makefiles and scripts contain
 *     "UID". Also, a file that only its owner may read cannot be opened by nobody.
 *   - The text of a link that a build reads, unless it opens what is behind it.
 *   - The running kernel and the NIS domain, as the system call uname(2) and the uname of
 *     busybox tell them (builder/build/constants.h): a result may have been made while
 *     another kernel ran. The program uname and /proc answer for the target kernel.
 *   - The names rbash and gnatgcc by which a program is run, and links to ".": the
 *     file is in the manifest.
 *   - The link libX.so by which a program is linked with a library: the library itself is
 *     in the manifest.
 *   - The loader's choice of a library for the processor (glibc-hwcaps), LD_LIBRARY_PATH
 *     and rpath: the library that was opened is in the manifest, not those before it.
 *   - Code that runs on the machine's processor and asks it for its features (cpuid):
 *     noticed if a makefile contains the word "native", if kbuild records a command with
 *     -march=native, or if /proc/cpuinfo is read.
 *   - A link in a directory in which nothing is opened, and that is not in $PATH, unless a
 *     makefile or script spells out its path or another link leads to it.
 *   - The number of processors that /sys tells, if the package's makefiles and scripts do
 *     not contain "/sys/": the C library asks for it. Also, which files are in a directory
 *     of /sys that a build asks for without opening them, unless they are spelled out.
 *   - A value in /proc that changes while a build runs: the value at its end counts.
 *   - What changes during a build on a file system of the network whose clock is behind, or
 *     after the clock was set back. In /usr, that a link to a library was changed or that a
 *     link was removed, while the file that it led to stayed as it was.
 *   - The memory of the sandbox's own shell, the interpreter that binfmt_misc has opened
 *     in advance, and what a daemon outside sends through a socket that the sandbox shows.
 *
 * A build can read these things although they are in neither, because no result depends
 * on them, or none that could be cached:
 *
 *   - other times, owners and extended attributes of files; FIFOs and devices; the argument of
 *     -j; the path of the source;
 *   - the user that runs dkms, resource limits (ulimit), the time zone, the number of
 *     processors;
 *   - whatever is different each time: the clock, random numbers, free disk space, the
 *     log of the build, and most of /proc;
 *   - what the sandbox makes the same for all builds: user names, host names,
 *     /etc/ld.so.cache, which only says which libraries are opened next;
 *   - the directory of ccache;
 *   - the names in / that only this machine has; what is in such directories is hidden;
 *   - the content of the files include/config/OPTION in the headers, of which only the
 *     names matter;
 *   - without a sandbox, everything that a sandbox hides;
 *   - without tracing, files below /usr other than tools and /usr/local: they are assumed
 *     to be those of the packages, as is what a link from elsewhere leads to below /usr;
 *     the entries of the package database for packages of kernels and modules; the links
 *     to kernels in /; and files in / that only their owner may read, such as swap files. */

/* Returns why the cache cannot serve the job, or NULL if it can. The text belongs to the
 * job. */
const char *fingerprint_find_obstacle(const struct job *job);
/* Whether the job's build is traced, and its results have manifests. */
bool fingerprint_is_traced(const struct job *job);
/* Returns how many of the key's parts are the primary key. They are the first ones. */
size_t fingerprint_count_primary(const struct key *key);
/* Returns a short digest of what the package consists of: source, overrides and the
 * evaluated dkms.conf; the caller frees. NULL if that cannot be read. */
char *fingerprint_package(struct key_texts *texts, const struct job *job);
/* Sets *ret to the digest of the primary key. */
void fingerprint_primary(const struct key *key, struct digest *ret);
/* Whether dir, a copy of the job's source, is what the job's key was made of, or there is no
 * key. From any thread. */
bool fingerprint_is_of_source(const struct job *job, const char *dir);
/* Makes the key of the job's build. Parts that many jobs have in common are made once for
 * the run, but with afresh they are made again. The key borrows from the texts, which
 * must live longer. From any thread. Returns 0, or a negative errno and err. */
int fingerprint_build(struct key_texts *texts, const struct job *job, bool afresh,
	struct key *ret, struct error *err);

#endif
