/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_CGROUP_H
#define SCHEDULER_CGROUP_H

/* Is called with the directory of a control group. */
typedef void cgroup_visit_fn(const char *dir, void *userdata);

/* Calls visit for the control group of this process and for each control group above it,
 * up to the root. For version 2 the directory is, for example,
 * "/sys/fs/cgroup/user.slice". If version 1 has the controller ("cpu", "memory"), visit
 * is also called for "/sys/fs/cgroup/CONTROLLER/...". A directory need not exist. The
 * versions have different files in it: see the kernel's documentation,
 * admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/. */
void cgroup_visit_all(const char *controller, cgroup_visit_fn *visit, void *userdata);

#endif
