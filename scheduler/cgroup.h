/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_CGROUP_H
#define SCHEDULER_CGROUP_H

/* Calls visit with the directory of our control group and of each one that it is in, up to the
 * root: "/sys/fs/cgroup/user.slice". Of version 2 alone; where there is none, nothing is
 * called. The kernel's admin-guide/cgroup-v2.rst says what is in there. */
void cgroup_each(void (*visit)(const char *dir, void *userdata), void *userdata);

#endif
