/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_BUILD_CONSTANTS_H
#define BUILDER_BUILD_CONSTANTS_H

#include "builder/job/job.h"

/* In the sandbox of a build, what names the running kernel, the machine or its users is
 * replaced by files that say the same everywhere:
 *
 *   uname(1)              answers for the kernel that is built for, as do /proc/version
 *                         and osrelease, version, hostname and domainname in
 *                         /proc/sys/kernel. So a makefile that uses "uname -r" builds
 *                         for the right kernel.
 *   /etc/passwd, group    root, nobody, and the user of the build as "dkms"
 *   /etc/nsswitch.conf    names are looked up in files
 *   /etc/hosts            localhost
 *
 * The last two are those of the system if the build has a network. At /sys is what sysfs.h
 * says, which does tell of the machine; what a build reads there counts for the cache. Not
 * replaced:
 *
 * - The system call uname(2) tells of the running kernel, and with it os.uname() of
 *   Python, POSIX::uname() of Perl and the like. The host name is localhost there as
 *   well, but the NIS domain is that of the machine.
 * - A uname(1) that is one program with many others, as in busybox. */

/* Writes the files to the job's directory, which is locked. Returns 0, or a negative
 * errno and job->outcome.error. */
int constants_write(struct job *job);
/* Adds to box what shows them. */
void constants_show(const struct job *job, struct sandbox *box);

#endif
