/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSFER_PRIVILEGES_H
#define TRANSFER_PRIVILEGES_H

#include <sys/types.h>

/* Becomes the user uid, and its group of the same number, for good, unless uid is 0: then
 * dkms is not run by root. In both cases no program that is started can get privileges,
 * and the process ends when dkms does. Returns 0 or a negative errno. */
int privileges_drop(uid_t uid);
/* Puts the process under the filter of system calls that is in the file fd, an array of
 * struct sock_filter as seccomp(2) takes it. Returns 0 or a negative errno. */
int privileges_filter(int fd);

#endif
