/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCHEDULER_CPUS_H
#define SCHEDULER_CPUS_H

/* Returns how many CPUs this process may use, by its affinity and by the quotas of its
 * control groups; at least 1. */
unsigned int cpus_available(void);

#endif
