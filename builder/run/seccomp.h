/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BUILDER_RUN_SECCOMP_H
#define BUILDER_RUN_SECCOMP_H

#include "base/error.h"
#include "base/str.h"

/* The filter of system calls for the commands of modules (seccomp(2)). It refuses, with
 * EPERM or as a kernel without them, calls that no build needs and that reach beyond the
 * sandbox or offer much of the kernel to attack: keyrings, bpf, perf, userfaultfd, other
 * processes' memory, io_uring, handles of files, the kernel's log and its modules, mounts,
 * sockets that network namespaces do not separate. It also keeps commands from making user
 * and mount namespaces, in which they would have capabilities, and mounts that are not
 * traced. */

/* Sets *ret to the filter, an array of struct sock_filter, which stays until dkms ends. Returns 0;
 * -EOPNOTSUPP and err if this machine can have none: its kernel has no filters, or libseccomp is
 * missing or knows no such filter for it. Another negative errno, with err, is a failure; nothing
 * may run without the filter then. To be called by the thread of the event loop. */
int seccomp_get_filter(const struct str **ret, struct error *err);
/* Returns a new descriptor with the filter, in the form that bwrap(1) reads with
 * --seccomp; the caller closes it. Otherwise returns what seccomp_get_filter() does. */
int seccomp_open_filter(struct error *err);

/* Makes the filter for a process that reads files which it has open and writes an answer:
 * it may use memory, open files for reading, and little else. Every other call fails with
 * ENOSYS: it cannot write to a file that it opens, start a program, make a socket, or send
 * a signal to another process. Call it before the process changes its root directory.
 * Returns NULL if it cannot be made, as without libseccomp. The caller does not free it. */
void *seccomp_make_reader_filter(void);
/* Puts the calling thread under that filter, for good. NULL is none. Returns 0 or a
 * negative errno. */
int seccomp_enter(void *filter);

#endif
