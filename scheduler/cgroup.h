/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_CGROUP_H
#define SCHEDULER_CGROUP_H

typedef void cgroup_visit_fn(const char *dir, void *userdata);

/* Calls visit with the directory of our control group and of each one that it is in, up to the
 * root: "/sys/fs/cgroup/user.slice" of version 2, and "/sys/fs/cgroup/CONTROLLER/..." where
 * version 1 has the controller ("cpu", "memory"). Directories need not exist, and what the
 * versions call their files differs: the kernel's admin-guide/cgroup-v2.rst, cgroup-v1/. */
void cgroup_visit_all(const char *controller, cgroup_visit_fn *visit, void *userdata);

#endif
